// What every script of this folder shares: settings come as variables, the person at the browser is the test, the last line is the result.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";

// Node.js 18, which Debian 12 has, keeps these two to itself.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

export const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, SCOPE = "openid profile email offline_access" } = process.env;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Sends the person to an address, and gives the address that their browser ends at. */
export async function browse(address) {
  console.log(`BROWSE ${address.href ?? address}`);
  const { value, done } = await lines.next();
  if (done) throw new Error("Nobody is at the browser.");
  return new URL(value);
}

/** Runs the scenario that the command line names. */
export async function run(scenarios) {
  const result = await scenarios[process.argv[2]]();
  console.log(JSON.stringify(result));
  process.exit(0);
}

/** The OAuth error of a call that must fail, or the challenge that came instead. */
export async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    if (Array.isArray(error.cause)) return [error.status, error.cause[0].scheme, error.cause[0].parameters.error].join(" ").trim();
    return error.error ?? `${error.code ?? error.name}: ${error.message}`;
  }
  return "none";
}
