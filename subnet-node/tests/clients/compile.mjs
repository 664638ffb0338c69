// Compiles a Solidity file of `solidity/` with solc-js. The compiler and what is imported come from the client's own node_modules.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const folder = new URL('solidity/', import.meta.url)

/** The ABI and init code of `contract` in `file`, for the client whose module is at `client` (its `import.meta.url`). */
export function compile(client, file, contract) {
  const require = createRequire(client)
  const solc = require('solc')
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: readFileSync(new URL(file, folder), 'utf8') } },
    settings: {
      evmVersion: 'prague',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { [contract]: ['abi', 'evm.bytecode.object'] } },
    },
  }
  const find = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const { abi, evm } = output.contracts[file][contract]
  return { abi, bytecode: `0x${evm.bytecode.object}` }
}
