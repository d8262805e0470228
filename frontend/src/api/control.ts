/** Requests to the running broker. The token stays in this tab: sessionStorage, never a link or a cookie. */

import { api, unwrap } from './client'
import type { components } from './schema'

export type Verb = 'pause' | 'resume' | 'close'
export type ControlAnswer = components['schemas']['ControlAnswer']

/** Whom it is about: exactly one of them. */
export type Target = { position: string } | { strategy: string } | { all: true }

export interface Request {
  verb: Verb
  target: Target
  who: string
  why: string
  token: string
  /** Sent again with the same key, the broker applies it once. */
  key: string
}

const TOKEN = 'control-token'
const WHO = 'control-who'

export const kept = {
  token: () => sessionStorage.getItem(TOKEN) ?? '',
  who: () => sessionStorage.getItem(WHO) ?? '',
  keep(token: string, who: string): void {
    sessionStorage.setItem(TOKEN, token)
    sessionStorage.setItem(WHO, who)
  },
  forgetToken(): void {
    sessionStorage.removeItem(TOKEN)
  },
}

/** The broker's answer; an ApiError with its words when it, or the API, refuses. */
export function command({ verb, target, who, why, token, key }: Request): Promise<ControlAnswer> {
  const headers = { Authorization: `Bearer ${token}` }
  const params = { header: { 'idempotency-key': key } }
  const body = { who, why, all: false, ...target }
  switch (verb) {
    case 'pause':
      return unwrap(api.POST('/api/control/pause', { headers, params, body }))
    case 'resume':
      return unwrap(api.POST('/api/control/resume', { headers, params, body }))
    case 'close':
      return unwrap(api.POST('/api/control/close', { headers, params, body }))
    default:
      return verb satisfies never
  }
}
