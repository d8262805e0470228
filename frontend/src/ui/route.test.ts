import { describe, expect, it } from 'vitest'

import { link, parse } from './route'

describe('the address', () => {
  it('holds the view and its filters', () => {
    const address = link('data', { asset: 'BTC', state: 'open', channel: null })
    expect(address).toBe('#/data?asset=BTC&state=open')
    expect(parse(address).view).toBe('data')
    expect(parse(address).filters.get('asset')).toBe('BTC')
    expect(parse(address).filters.get('channel')).toBeNull()
  })

  it('names the dashboard when it is empty', () => {
    expect(parse('').view).toBe('')
    expect(parse('#/').view).toBe('')
    expect(link('')).toBe('#/')
  })
})
