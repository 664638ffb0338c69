// What the JavaScript clients share: where the network is, and cases that report in TAP.
import { test } from 'node:test'

const { RPC_URL, PRIVATE_KEY } = process.env
if (!RPC_URL || !PRIVATE_KEY) {
  console.error('set RPC_URL (one node, or several with commas between them) and PRIVATE_KEY (of an account with tokens)')
  process.exit(2)
}

/** The nodes of the network; the first is asked. */
export const urls = RPC_URL.split(',')
export const url = urls[0]
export const websocketUrl = url.replace(/^http/, 'ws')
export const privateKey = PRIVATE_KEY

/**
 * A function that runs a case. Cases run one after another; one that never ends is stopped after a minute.
 * `known` names cases that fail today, each with the reason: they run, and are told apart from those that should not fail.
 */
export const casesWith = (known = {}) => (name, run) => test(name, { timeout: 60_000, todo: known[name] }, run)

/** Waits until `is` holds. */
export async function until(what, is) {
  for (const end = Date.now() + 30_000; !(await is()); await new Promise((again) => setTimeout(again, 20)))
    if (Date.now() > end) throw new Error(`waited for ${what}`)
}
