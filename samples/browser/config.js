// The settings of this page. They are a file and not part of the address: a link must not choose where people type passwords.
export const config = {
  // The authorization server, to the character as its metadata says it. Its origin must be in connect-src of index.html, too.
  issuer: "http://127.0.0.1:8080",

  // What `proofkey client add` printed.
  clientId: "",

  scope: "openid profile email",

  // An API that the page calls with the access token. Empty: no such button. Its origin must be in connect-src of index.html.
  api: "",
};
