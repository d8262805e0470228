import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it } from 'vitest'

import type { MarketRow } from '../../api/client'
import { keys } from '../../api/keys'
import { aMarket, aSummary } from '../../test/builders'
import { MarketsPanel } from './MarketsPanel'
import { outcome, until } from './markets'

function show(event_time_ms: number | null, markets: MarketRow[]) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
  client.setQueryData(keys.summary, aSummary())
  const page = { event_time_ms, markets, next_cursor: null }
  client.setQueryData(keys.markets({ state: 'open', asset: null }), { pages: [page], pageParams: [null] })
  render(
    <QueryClientProvider client={client}>
      <MarketsPanel />
    </QueryClientProvider>,
  )
}

describe('prediction markets', () => {
  afterEach(cleanup)

  it('shows probability, spread and that a volume is not known, which is not zero', () => {
    show(60_000, [aMarket({ probability: 0.515, spread: 0.01, volume_24h: null })])
    const [, row] = screen.getAllByRole('row')
    expect(row?.textContent).toContain('51.5 %')
    expect(row?.textContent).toContain('no volume: The venue did not say it.')
  })

  it('shows neither a probability nor a spread where a side of the book is empty', () => {
    show(60_000, [aMarket({ probability: null, spread: null, bid: null })])
    expect(screen.getByLabelText(/there is no middle/)).toBeTruthy()
    expect(screen.getByText('– / 0.52')).toBeTruthy()
  })

  it('says how to follow markets when none was ever followed', () => {
    show(null, [])
    expect(screen.getByText(/exchanges.polymarket.enabled/)).toBeTruthy()
  })

  it('counts to the opening, to the end and from it', () => {
    const market = aMarket({ start_ms: 300_000, end_ms: 600_000 })
    expect(until(market, 240_000)).toBe('opens in 1 m')
    expect(until(market, 480_000)).toBe('2 m left')
    expect(until(market, 660_000)).toBe('ended 1 m ago')
    expect(until({ ...market, resolved_ms: 690_000 }, 700_000)).toBe('resolved 1 m 30 s after its end')
    expect(until(market, null)).toBe('')
  })

  it('puts a result into words', () => {
    expect(outcome(aMarket({ state: 'resolved', yes_payout: 1 }))).toBe('YES / Up')
    expect(outcome(aMarket({ state: 'resolved', yes_payout: 0 }))).toBe('NO / Down')
    expect(outcome(aMarket({ state: 'resolved', yes_payout: 0.5 }))).toBe('split: YES pays 0.5')
    expect(outcome(aMarket({ state: 'awaited' }))).toBe('awaited')
    expect(outcome(aMarket())).toBe('')
  })
})
