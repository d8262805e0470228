/** The token that reading needs where the API is not open to everybody. It stays in this tab: sessionStorage. */

import { useSyncExternalStore } from 'react'

const STORED = 'read-token'
const listeners = new Set<() => void>()

/** missing: none was sent; wrong: the one that was sent is not known (any more). */
export type Refusal = 'missing' | 'wrong'

let refusal: Refusal | null = null

function change(to: Refusal | null): void {
  if (to === refusal) return
  refusal = to
  for (const listener of listeners) listener()
}

export function readToken(): string {
  return sessionStorage.getItem(STORED) ?? ''
}

/** Keeps it for this tab; whoever was refused may ask again. */
export function keepReadToken(token: string): void {
  sessionStorage.setItem(STORED, token)
  change(null)
}

/** The API has answered a question with 401 that was sent with `sent`, which may be none. */
export function refused(sent: string): void {
  // Answers to questions from before the right token was entered say nothing about it.
  if (sent !== readToken()) return
  sessionStorage.removeItem(STORED)
  change(sent ? 'wrong' : 'missing')
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Why the page cannot read; null while it can, or while nobody has said that it cannot. */
export function useRefusal(): Refusal | null {
  return useSyncExternalStore(subscribe, () => refusal)
}

const BEARER = 'Bearer '

/** Every question takes the token along, but one that has a token of its own; a 401 to a question asks for another. */
export const withReadToken = {
  onRequest({ request }: { request: Request }): Request {
    const token = readToken()
    if (token && !request.headers.has('Authorization')) request.headers.set('Authorization', BEARER + token)
    return request
  },
  onResponse({ request, response }: { request: Request; response: Response }): void {
    if (response.status !== 401 || request.method !== 'GET') return
    refused(request.headers.get('Authorization')?.slice(BEARER.length) ?? '')
  },
}
