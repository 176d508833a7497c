// OpenAI's own client against ours: models, an answer, a stream, and a tool that is called.
import OpenAI from 'openai'

const [baseURL, apiKey, model] = Deno.args
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
const told = {}

told.models = (await client.models.list()).data.map((each) => each.id)

const messages = [{ role: 'user', content: 'plain' }]
const answer = await client.chat.completions.create({ model, messages, top_p: 0.5, seed: 7, stop: ['END'] })
told.answer = answer.choices[0].message.content

told.stream = ''
for await (const chunk of await client.chat.completions.create({
  model, messages, stream: true, stream_options: { include_usage: true }
})) {
  told.stream += chunk.choices[0]?.delta?.content ?? ''
  told.total = chunk.usage?.total_tokens ?? told.total
}

const runner = client.chat.completions.runTools({
  model,
  messages: [{ role: 'user', content: 'tool' }],
  tools: [{
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Return the weather of a city.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      parse: JSON.parse,
      function: ({ city }) => { told.city = city; return 'rain' }
    }
  }]
})
told.final = await runner.finalContent()

console.log(JSON.stringify(told))
