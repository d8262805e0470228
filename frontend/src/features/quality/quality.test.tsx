import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { GapRow } from '../../api/client'
import { keys } from '../../api/keys'
import { aCoverageDay, aGap } from '../../test/builders'
import { CoveragePanel } from './CoveragePanel'
import { GapsPanel } from './GapsPanel'
import { OpenGaps } from './OpenGaps'
import { meaning } from './meaning'

const NO_FILTER = { exchange: null, asset: null, channel: null, state: null }
let client: QueryClient

function show(view: ReactNode) {
  render(<QueryClientProvider client={client}>{view}</QueryClientProvider>)
}

function holdGaps(gaps: GapRow[], filters = {}) {
  client.setQueryData(keys.gaps({ ...NO_FILTER, ...filters }), { pages: [{ gaps, next_cursor: null }], pageParams: [null] })
}

describe('data quality', () => {
  beforeEach(() => {
    client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
    window.location.hash = ''
  })
  afterEach(cleanup)

  it('shows each day with its per cent for whoever cannot see colours', () => {
    const days = [aCoverageDay(), aCoverageDay({ day: '2026-10-02', covered_minutes: 720, fraction: 0.5 })]
    client.setQueryData(keys.coverage, { definition: 'What it means.', days, cut: false })
    show(<CoveragePanel />)
    const cells = screen.getAllByRole('cell')
    expect(cells.map((cell) => cell.textContent)).toEqual(['100 %', '50 %'])
    expect(cells[1]?.title).toBe('2026-10-02: 720 of 1,440 minutes, 720 missing')
    expect(screen.getByRole('rowheader').textContent).toContain('BTC ctx')
  })

  it('says why there is no coverage', () => {
    client.setQueryData(keys.coverage, { definition: '', days: [], cut: false })
    show(<CoveragePanel />)
    expect(screen.getByText(/Nothing has been recorded yet/)).toBeTruthy()
  })

  it('lists gaps with how long they lasted, an open one so far', () => {
    client.setQueryData(keys.eventTime, 1_790_000_100_000)
    holdGaps([
      aGap({ id: 'g:1', state: 'open', from_ms: 1_790_000_000_000, to_ms: null }),
      aGap({ id: 'g:2', state: 'lost', from_ms: 1_790_000_000_000, to_ms: 1_790_000_012_000 }),
    ])
    show(<GapsPanel />)
    const rows = screen.getAllByRole('row').slice(1).map((row) => row.textContent)
    expect(rows[0]).toContain('1 m 40 s so far')
    expect(rows[1]).toContain('12 s')
  })

  it('takes its filters from the address', () => {
    window.location.hash = '#/data?asset=ETH&state=lost'
    holdGaps([], { asset: 'ETH', state: 'lost' })
    show(<GapsPanel />)
    expect(screen.getByText('No gap matches the filters.')).toBeTruthy()
    expect(screen.getByRole('radio', { name: 'lost' }).getAttribute('checked')).not.toBeNull()
  })

  it('names the silent channels on every view, and is silent itself without any', () => {
    const health = { status: 'ok', down_after_s: 15, components: [], open_gaps: [] }
    client.setQueryData(keys.health, health)
    show(<OpenGaps />)
    expect(screen.queryByTestId('open-gaps')).toBeNull()
    cleanup()
    client.setQueryData(keys.eventTime, 90_000)
    const gap = { exchange: 'hyperliquid', asset: 'BTC', channel: 'ctx', from_ms: 30_000, reason: 'silence' }
    client.setQueryData(keys.health, { ...health, open_gaps: [gap] })
    show(<OpenGaps />)
    expect(screen.getByTestId('open-gaps').textContent).toContain('No data for 1 m from BTC ctx. Open gaps')
    cleanup()
    client.setQueryData(keys.health, { ...health, open_gaps: [gap, { ...gap, channel: 'candle_1m' }] })
    show(<OpenGaps />)
    expect(screen.getByTestId('open-gaps').textContent).toContain('BTC ctx, BTC candle_1m. Strategies pass on BTC until it is over.')
  })

  it('tells what a hole means by its channel and whether the data came back', () => {
    const of = (changes: Partial<GapRow>) => meaning(aGap(changes))
    expect(of({ channel: 'candle_1m', state: 'open' })).toBe('Strategies that need hyperliquid pass on BTC (gap) until it is over.')
    expect(of({ channel: 'trade', state: 'open' })).toBe('No strategy looks at this channel.')
    expect(of({ exchange: 'polymarket', channel: 'book', state: 'open' })).toContain('pass on BTC')
    expect(of({ channel: 'ctx', state: 'open' })).toContain('stops and targets wait')
    expect(of({ channel: 'candle_1m', state: 'filled' })).toContain('backtests have the data. Evaluations on these candles')
    expect(of({ channel: 'trade', state: 'lost' })).toContain('backtests lack it too. No strategy looks')
    expect(of({ channel: 'book', state: 'lost' })).toContain('fell back to the fixed model')
    expect(of({ exchange: 'polymarket', channel: 'book', state: 'lost' })).toContain('stale_book')
  })
})
