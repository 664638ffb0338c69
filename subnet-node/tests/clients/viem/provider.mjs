// A wallet as a page meets it: a provider of EIP-1193 that holds keys, asks its user, and passes everything else on to a node.
import { EventEmitter } from 'node:events'
import { privateKeyToAccount } from 'viem/accounts'

/** EIP-1193: the user said no. */
const REFUSED = 4001
/** EIP-1193: no account of the page's. */
const UNAUTHORIZED = 4100
/** EIP-3085: a chain that the wallet does not know. */
const UNKNOWN_CHAIN = 4902

const refusal = (code, message) => Object.assign(new Error(message), { code })

/** `user` decides: a function from what is asked to yes or no. */
export class WalletProvider extends EventEmitter {
  #account
  #chains = new Map([['0x1', 'http://127.0.0.1:1']])
  #chainId = '0x1'
  #connected = false
  #user
  #next = 1

  constructor(privateKey, user = () => true) {
    super()
    this.#account = privateKeyToAccount(privateKey)
    this.#user = user
  }

  async request({ method, params = [] }) {
    const own = /^(eth|personal|wallet)_/.test(method) && this[method]
    return own ? own.call(this, ...[params].flat()) : this.#ask(this.#chains.get(this.#chainId), method, params)
  }

  async #ask(url, method, params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: this.#next++, method, params })
    const answer = await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result
  }

  #consent(what) {
    if (!this.#user(what)) throw refusal(REFUSED, `the user refused: ${what}`)
  }

  #own(address) {
    if (!this.#connected || address.toLowerCase() !== this.#account.address.toLowerCase())
      throw refusal(UNAUTHORIZED, 'no account of this page')
  }

  eth_chainId() {
    return this.#chainId
  }

  eth_accounts() {
    return this.#connected ? [this.#account.address] : []
  }

  eth_requestAccounts() {
    this.#consent('connect')
    if (!this.#connected) {
      this.#connected = true
      this.emit('connect', { chainId: this.#chainId })
      this.emit('accountsChanged', this.eth_accounts())
    }
    return this.eth_accounts()
  }

  wallet_revokePermissions() {
    this.#connected = false
    this.emit('accountsChanged', [])
    return null
  }

  /** EIP-3085: what the page says of a chain is checked with the chain itself. */
  async wallet_addEthereumChain({ chainId, rpcUrls }) {
    this.#consent('add a chain')
    if ((await this.#ask(rpcUrls[0], 'eth_chainId', [])) !== chainId) throw refusal(-32602, 'the chain has another id')
    this.#chains.set(chainId, rpcUrls[0])
    return null
  }

  wallet_switchEthereumChain({ chainId }) {
    if (!this.#chains.has(chainId)) throw refusal(UNKNOWN_CHAIN, `chain ${chainId} was not added`)
    this.#consent('switch the chain')
    this.#chainId = chainId
    this.emit('chainChanged', chainId)
    return null
  }

  wallet_watchAsset({ options }) {
    return this.#user(`show ${options.symbol}`)
  }

  personal_sign(raw, address) {
    this.#own(address)
    this.#consent('sign a message')
    return this.#account.signMessage({ message: { raw } })
  }

  eth_signTypedData_v4(address, typedData) {
    this.#own(address)
    this.#consent('sign typed data')
    return this.#account.signTypedData(JSON.parse(typedData))
  }

  /** Fills in what the page left open, as wallets do, and signs. */
  async eth_sendTransaction(request) {
    this.#own(request.from)
    const url = this.#chains.get(this.#chainId)
    const ask = (method, ...params) => this.#ask(url, method, params)
    const { from, to, value, data, nonce, gas, maxFeePerGas, maxPriorityFeePerGas } = request
    const tip = maxPriorityFeePerGas ?? (await ask('eth_maxPriorityFeePerGas'))
    const history = await ask('eth_feeHistory', '0x1', 'latest', [])
    const cap = maxFeePerGas ?? BigInt(history.baseFeePerGas.at(-1)) * 2n + BigInt(tip)
    const limit = gas ?? (await ask('eth_estimateGas', { from, to, value, data }))
    this.#consent('send a transaction')
    const signed = await this.#account.signTransaction({
      type: 'eip1559', chainId: Number(this.#chainId), to, data,
      value: BigInt(value ?? 0), gas: BigInt(limit), maxFeePerGas: BigInt(cap), maxPriorityFeePerGas: BigInt(tip),
      nonce: Number(nonce ?? (await ask('eth_getTransactionCount', from, 'pending'))),
    })
    return ask('eth_sendRawTransaction', signed)
  }
}
