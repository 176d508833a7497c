import { errorOf, NuxaError } from './errors.ts'

export interface ClientOptions {
  /** Goes into the header x-api-key. */
  apiKey?: string
  /** A bearer token instead. */
  token?: string
  baseUrl?: string
  /** The workspace meant, for a token that reaches several. */
  workspaceId?: string
  /** How often a request is tried again that may be sent twice. */
  maxRetries?: number
  /** For tests, or to go through something of one's own. */
  fetch?: typeof fetch
}

export interface Asked {
  query?: Record<string, unknown>
  json?: unknown
  form?: FormData
  headers?: Record<string, string>
  /** Whether a POST does no more when it is sent twice. */
  isRepeatable?: boolean
  signal?: AbortSignal
}

interface Page<T> {
  data: T[]
  nextCursor: string | null
}

type Numbered = { number: string | null; data: string }

const RETRIED = new Set([429, 502, 503, 504])
const LONGEST_WAIT = 60 // seconds; who is to wait longer is told so instead
const SAFE = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** Sends requests, again where that is safe, and reads streams to their end. */
export class Http {
  readonly #base: string
  readonly #headers: Record<string, string>
  readonly #query: Record<string, unknown>
  readonly #maxRetries: number
  readonly #fetch: typeof fetch

  constructor(options: ClientOptions) {
    const apiKey = options.apiKey ?? (options.token ? undefined : variable('NUXA_API_KEY'))
    if (!apiKey && !options.token) throw new Error('Give an apiKey or a token, or set NUXA_API_KEY.')
    this.#base = (options.baseUrl ?? variable('NUXA_BASE_URL') ?? 'https://app.nuxa.ai').replace(/\/+$/, '')
    this.#headers = options.token
      ? { authorization: `Bearer ${options.token}` }
      : { 'x-api-key': apiKey ?? '' }
    this.#query = options.workspaceId ? { workspaceId: options.workspaceId } : {}
    this.#maxRetries = options.maxRetries ?? 2
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis)
  }

  async send<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
    const answer = await this.raw(method, path, asked)
    return (answer.status === 204 ? undefined : await answer.json()) as T
  }

  async raw(method: string, path: string, asked: Asked = {}): Promise<Response> {
    const mayRepeat = SAFE.has(method) || asked.isRepeatable || 'Idempotency-Key' in (asked.headers ?? {})
    let left = mayRepeat ? this.#maxRetries : 0
    for (let wait = 0.5; ; wait *= 2, left -= 1) {
      try {
        return await this.#once(method, path, asked)
      } catch (error) {
        if (!(error instanceof NuxaError)) throw error
        const isPassing = error.status === null || RETRIED.has(error.status)
        const least = error.retryAfter ?? 0
        if (!isPassing || left <= 0 || least > LONGEST_WAIT) throw error
        await pause(Math.max(least, wait * (0.5 + Math.random() / 2)))
      }
    }
  }

  /** Iterates over every row of every page. */
  async *rows<T>(path: string, query: Record<string, unknown> = {}): AsyncGenerator<T> {
    let cursor: string | null = null
    do {
      const page: Page<T> = await this.send('GET', path, { query: { ...query, cursor } })
      yield* page.data
      cursor = page.nextCursor
    } while (cursor !== null)
  }

  /** Iterates over a stream's events; one that is cut goes on at the path that `resume` gives. */
  async *events<T>(
    method: string, path: string, asked: Asked, resume: (last: T) => string,
  ): AsyncGenerator<T> {
    let cutsLeft = this.#maxRetries
    let last: T | null = null
    let number: string | null = null
    for (;;) {
      try {
        const answer = await this.raw(method, path, asked)
        for await (const event of frames(answer)) {
          if (event.data === '[DONE]') return
          last = JSON.parse(event.data) as T
          number = event.number
          cutsLeft = this.#maxRetries
          yield last
        }
        throw new NuxaError('CONNECTION_FAILED', 'The stream ended before its end.')
      } catch (error) {
        const isCut = error instanceof NuxaError && (error.status === null || RETRIED.has(error.status))
        if (!isCut || last === null || cutsLeft <= 0) throw error
        cutsLeft -= 1
        await pause(error.retryAfter ?? 0.5)
        method = 'GET'
        path = resume(last)
        asked = { headers: number ? { 'Last-Event-ID': number } : {}, ...(asked.signal && { signal: asked.signal }) }
      }
    }
  }

  async #once(method: string, path: string, asked: Asked): Promise<Response> {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...this.#query, ...asked.query })) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== undefined && each !== null) query.append(name, String(each))
      }
    }
    const headers: Record<string, string> = { ...this.#headers, ...asked.headers }
    if (asked.json !== undefined) headers['content-type'] = 'application/json'
    const body = asked.form ?? (asked.json === undefined ? undefined : JSON.stringify(asked.json))
    const url = `${this.#base}${path}${query.size ? `?${query}` : ''}`
    const given: RequestInit = { method, headers }
    if (body !== undefined) given.body = body
    if (asked.signal) given.signal = asked.signal
    let answer: Response
    try {
      answer = await this.#fetch(url, given)
    } catch (error) {
      throw asked.signal?.aborted ? error : broken(error)
    }
    if (!answer.ok) throw await errorOf(answer)
    return answer
  }
}

const broken = (cause: unknown) =>
  new NuxaError('CONNECTION_FAILED', `The connection broke: ${cause}`, null, {}, null, null, { cause })

/** A variable of Node's or Deno's environment; a browser has none, and Deno may refuse to tell. */
const variable = (name: string): string | undefined => {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  try {
    return process?.env?.[name] || undefined
  } catch {
    return undefined
  }
}

async function* frames(answer: Response): AsyncGenerator<Numbered> {
  if (!answer.body) return
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let held = ''
  let number: string | null = null
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => { throw broken(error) })
      if (done) return
      const lines = (held + value).split('\n')
      held = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('id:')) number = line.slice(3).trim()
        if (line.startsWith('data:')) yield { number, data: line.slice(5).trim() }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
