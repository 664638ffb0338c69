#!/usr/bin/env node
// solc-js as the program that forge expects: `solc --version`, and `solc --standard-json` from standard input.
import { readFileSync } from 'node:fs'
import solc from 'solc'

const asked = process.argv.slice(2)
if (asked.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`)
} else if (asked.includes('--standard-json')) {
  // forge gives every source with its content, so nothing is ever looked for.
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
} else {
  console.error(`solc.mjs: only --version and --standard-json, not ${asked.join(' ')}`)
  process.exit(2)
}
