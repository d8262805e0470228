import { afterEach, expect, it } from 'vitest'

import { keepReadToken, readToken, refused, withReadToken } from './reading'

afterEach(() => {
  sessionStorage.clear()
})

const asked = (headers = {}) => new Request('http://x/api/summary', { headers })
const answered = (request: Request, status: number) => {
  withReadToken.onResponse({ request, response: new Response(null, { status }) })
}

it('every question takes the token along, and one with a token of its own keeps that', () => {
  expect(withReadToken.onRequest({ request: asked() }).headers.has('Authorization')).toBe(false)
  keepReadToken('right')
  expect(withReadToken.onRequest({ request: asked() }).headers.get('Authorization')).toBe('Bearer right')
  const own = asked({ Authorization: 'Bearer own' })
  expect(withReadToken.onRequest({ request: own }).headers.get('Authorization')).toBe('Bearer own')
})

it('a token that is refused is forgotten, and a late refusal of the one before it changes nothing', () => {
  keepReadToken('old')
  const late = withReadToken.onRequest({ request: asked() })
  answered(late, 401)
  expect(readToken()).toBe('')
  keepReadToken('new')
  answered(late, 401)
  answered(withReadToken.onRequest({ request: asked() }), 404)
  expect(readToken()).toBe('new')
  refused('new')
  expect(readToken()).toBe('')
})
