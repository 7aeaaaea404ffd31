// The page: what each button does, and what a person gets to see. The flow itself is in sign-in.js.

import { config } from "./config.js";
import { SignInError, begin, callApi, complete, discover, isAnswer, refresh, signOut } from "./sign-in.js";

const client = { ...config, redirectUri: new URL("./", location.href).href };
const $ = (id) => document.getElementById(id);

let metadata = null;
let tokens = null;

$("sign-in").onclick = (event) => attempt(event.target, async () => {
  metadata ??= await discover(config.issuer);
  location.assign(await begin(metadata, client));
});

$("call-userinfo").onclick = (event) => attempt(event.target, () => show(metadata.userinfo_endpoint));
$("call-api").onclick = (event) => attempt(event.target, () => show(config.api));

$("refresh").onclick = (event) => attempt(event.target, async () => {
  await renew();
  $("status").textContent = "There is a fresh token.";
});

$("sign-out").onclick = (event) => attempt(event.target, async () => {
  await signOut(metadata, tokens, client);
  forget("You are signed out.");
});

await start();

async function start() {
  const address = location.href;
  // Before anything else can see it: the code belongs neither in the history nor in what the next request may leak.
  if (isAnswer(address)) history.replaceState(null, "", client.redirectUri);
  render();
  if (!isAnswer(address)) return;

  $("status").textContent = "Signing in…";
  await attempt($("sign-in"), async () => {
    metadata = await discover(config.issuer);
    tokens = await complete(metadata, address, client);
    $("status").textContent = "You are signed in.";
  });
}

/** Calls an API; an access token that has just died is replaced once. */
async function show(url) {
  let response = await callApi(url, tokens);
  if (response.status === 401 && tokens.refresh_token) {
    await renew();
    response = await callApi(url, tokens);
  }
  $("answer").textContent = `HTTP ${response.status}\n${await response.text()}`;
}

let renewing = null;

/** One refresh at a time: two with the same refresh token look like a thief to the server. */
async function renew() {
  renewing ??= refresh(metadata, tokens, client).finally(() => { renewing = null; });
  try {
    tokens = await renewing;
  } catch (error) {
    // Only the server's word ends a session: a network that is away does not.
    if (error.code === "invalid_grant") forget("");
    throw error;
  }
}

function forget(message) {
  tokens = null;
  render();
  $("status").textContent = message;
  $("sign-in").focus();
}

/** Runs what a button does, with the button busy and every failure told in words. */
async function attempt(button, work) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  $("problem").textContent = "";
  try {
    await work();
  } catch (error) {
    $("status").textContent = "";
    $("problem").textContent = inWords(error);
  } finally {
    button.ariaBusy = null;
    render();
  }
}

function inWords(error) {
  if (error.code === "access_denied") return "You are not signed in: access was not allowed.";
  if (error.code === "invalid_grant") return "The session has ended. Sign in again.";
  if (error instanceof SignInError) return `That did not work (${error.code}): ${error.message}`;
  return "The server cannot be reached. Try again.";
}

function render() {
  $("signed-out").hidden = tokens !== null;
  $("signed-in").hidden = tokens === null;
  $("call-api").hidden = config.api === "";
  $("refresh").hidden = !tokens?.refresh_token;
  $("claims").replaceChildren(...Object.entries(tokens?.claims ?? {}).flatMap(([name, value]) => [
    element("dt", name),
    element("dd", typeof value === "string" ? value : JSON.stringify(value)),
  ]));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
