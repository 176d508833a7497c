// Calls every method of the client once, and prints the method and path of each request.
const [client, any] = Deno.args
const { NuxaClient } = await import(client!)
const asked: [string, string][] = []
const nuxa = new NuxaClient({
  apiKey: 'key',
  baseUrl: 'http://localhost',
  maxRetries: 0,
  fetch: (url: string, given: RequestInit) => {
    asked.push([given.method!, new URL(url).pathname])
    return Promise.resolve(Response.json({ data: [], nextCursor: null }))
  },
})
// A blob for files, which is also a text for paths.
const argument = Object.assign(new Blob(['{}']), { toString: () => any })
for (const resource of Object.values(nuxa)) {
  for (const [name, call] of Object.entries(resource as Record<string, unknown>)) {
    if (typeof call !== 'function') continue
    const given = Array(Math.max(call.length, 1)).fill(argument)
    try {
      const answer = await call(...given)
      if (answer && Symbol.asyncIterator in Object(answer)) for await (const _ of answer) break
    } catch (error) {
      if ((error as { code?: string }).code !== 'CONNECTION_FAILED') throw new Error(`${name}: ${error}`)
    }
  }
}
console.log(JSON.stringify(asked))
