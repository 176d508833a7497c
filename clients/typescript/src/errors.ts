export type ErrorCode =
  | 'VALIDATION_ERROR' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'METHOD_NOT_ALLOWED'
  | 'TIMEOUT' | 'CONFLICT' | 'PAYLOAD_TOO_LARGE' | 'UNSUPPORTED_MEDIA_TYPE'
  | 'RANGE_NOT_SATISFIABLE' | 'LOCKED' | 'RATE_LIMITED' | 'INTERNAL_ERROR' | 'UPSTREAM_ERROR'
  | 'SERVICE_UNAVAILABLE' | 'CONNECTION_FAILED'

/** What the service, or the way to it, says no with; `message` says what to do next. */
export class NuxaError extends Error {
  override readonly name = 'NuxaError'

  constructor(
    readonly code: string,
    message: string,
    readonly status: number | null = null,
    readonly details: Record<string, unknown> = {},
    readonly requestId: string | null = null,
    readonly retryAfter: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  is(code: ErrorCode): boolean {
    return this.code === code
  }
}

/** Returns the error that an answer tells of, whoever on the way has given it. */
export async function errorOf(answer: Response): Promise<NuxaError> {
  const text = await answer.text()
  const wait = Number.parseFloat(answer.headers.get('retry-after') ?? '')
  const place = [answer.headers.get('x-request-id'), Number.isNaN(wait) ? null : wait] as const
  try {
    const { code, message, details } = JSON.parse(text).error
    return new NuxaError(String(code), String(message), answer.status, details ?? {}, ...place)
  } catch (cause) {
    const message = `The answer was ${answer.status} without words of the service.`
    return new NuxaError('INTERNAL_ERROR', message, answer.status, {}, ...place, { cause })
  }
}
