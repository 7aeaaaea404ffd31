#!/usr/bin/env python3
"""A person with a browser, for the recording and the benchmark: signs in at the address that proofkey login prints, agrees, and prints the address at which
the browser ends.   person.py ADDRESS NAME PASSWORD [--open]      --open opens that address too, as a browser on the same machine does."""
import html.parser
import http.cookiejar
import sys
import urllib.error
import urllib.parse
import urllib.request


class Forms(html.parser.HTMLParser):
    """The forms of a page with their fields."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        if tag == "form":
            self.forms.append((said, {}))
        elif tag == "input" and self.forms and said.get("name") and said.get("type") != "checkbox":
            self.forms[-1][1][said["name"]] = said.get("value", "")
        elif tag == "button" and self.forms and said.get("name") == "decision" and said.get("value") == "allow":
            self.forms[-1][1]["decision"] = "allow"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def main():
    address, name, password = sys.argv[1:4]
    server = urllib.parse.urlsplit(address).netloc
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(url, fields=None):
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            return browser.open(urllib.request.Request(url, data, {"Origin": origin} if data is not None else {}))
        except urllib.error.HTTPError as answer:
            return answer

    fields = None
    for _ in range(20):
        if urllib.parse.urlsplit(address).netloc != server:
            break
        answer = ask(address, fields)
        fields = None
        if answer.headers["Location"]:
            address = urllib.parse.urljoin(address, answer.headers["Location"])
            continue
        form, fields = Forms(answer.read().decode()).forms[0]
        fields.update({key: value for key, value in (("username", name), ("password", password)) if key in fields})
        address = urllib.parse.urljoin(address, form.get("action", ""))
    if "--open" in sys.argv:
        ask(address, fields)
    else:
        print(address)


main()
