import { Http, type ClientOptions } from './http.ts'
import {
  Account, ApiKeys, Artifacts, Copilot, Files, Knowledge, Logs, Mail, Schedules, Sessions, SharedAgents, Tools, Users, V1,
  Voice, Webhooks, Workflows, Workspaces,
} from './resources.ts'

export { NuxaError, type ErrorCode } from './errors.ts'
export type { ClientOptions } from './http.ts'
export type { CopilotEvent, ExecuteRequest, ExecutionEvent } from './resources.ts'
export type * from './schema.ts'

/** A client of Nuxa Flow, by an API key or a bearer token. */
export class NuxaClient {
  readonly workflows: Workflows
  readonly schedules: Schedules
  readonly mail: Mail
  readonly webhooks: Webhooks
  readonly copilot: Copilot
  readonly sharedAgents: SharedAgents
  readonly knowledge: Knowledge
  readonly files: Files
  readonly artifacts: Artifacts
  readonly logs: Logs
  readonly tools: Tools
  readonly voice: Voice
  readonly users: Users
  readonly account: Account
  readonly workspaces: Workspaces
  readonly sessions: Sessions
  readonly apiKeys: ApiKeys
  readonly v1: V1

  constructor(options: ClientOptions = {}) {
    const http = new Http(options)
    this.workflows = new Workflows(http)
    this.schedules = new Schedules(http)
    this.mail = new Mail(http)
    this.webhooks = new Webhooks(http)
    this.copilot = new Copilot(http)
    this.sharedAgents = new SharedAgents(http)
    this.knowledge = new Knowledge(http)
    this.files = new Files(http)
    this.artifacts = new Artifacts(http)
    this.logs = new Logs(http)
    this.tools = new Tools(http)
    this.voice = new Voice(http)
    this.users = new Users(http)
    this.account = new Account(http)
    this.workspaces = new Workspaces(http)
    this.sessions = new Sessions(http)
    this.apiKeys = new ApiKeys(http)
    this.v1 = new V1(http)
  }
}
