// The network and the key that a script here is called with, as viem's clients.
import assert from 'node:assert/strict'
import { createPublicClient, createWalletClient, defineChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const [script, url, privateKey] = process.argv.slice(1)
if (!url || !privateKey) {
  console.error(`usage: node ${script.split('/').pop()} RPC_URL PRIVATE_KEY`)
  process.exit(2)
}

const transport = http(url)
const id = await createPublicClient({ transport }).getChainId()
const chain = defineChain({
  id,
  name: 'Tributary',
  nativeCurrency: { name: 'TRB', symbol: 'TRB', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
})
const publicClient = createPublicClient({ chain, transport, pollingInterval: 100 })
const walletOf = (key) => createWalletClient({ account: privateKeyToAccount(key), chain, transport })
const owner = walletOf(privateKey)

// The receipt of a transaction that went well.
const settled = async (hash) => {
  const receipt = await publicClient.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  return receipt
}

export { chain, owner, publicClient, settled, transport, url, walletOf }
