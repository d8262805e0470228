import { QueryClient } from '@tanstack/react-query'
import { describe, expect, it } from 'vitest'

import { aCurve, aFill, aPosition, aSignal, aSummary } from '../test/builders'
import { apply, extended, upsert } from './apply'
import type { CandlePoint, EquityCurve, OpenPosition, SignalRow, Summary } from './client'
import { keys } from './keys'

const TOTALS = {
  equity: '10020',
  total_pnl: '20',
  realised_pnl: '10',
  unrealised_pnl: '10.1',
  open_costs: '-0.1',
  return_fraction: 0.002,
  open_positions: 1,
  trades: 12,
}

const PORTFOLIO = { strategy: null, asset: null }
const OF_A = { strategy: 'a', asset: null }

describe('what a live message changes', () => {
  it('a mark moves its positions and the totals, by values of the server only', () => {
    const client = new QueryClient()
    client.setQueryData(keys.summary, aSummary())
    client.setQueryData(keys.positions, [aPosition(), aPosition({ id: 'po:2', asset: 'ETH' })])
    apply(client, {
      kind: 'mark',
      seq: 1,
      exchange: 'hyperliquid',
      asset: 'BTC',
      price: '84500',
      event_time_ms: 9,
      positions: [
        { id: 'po:1', mark_price: '84500', unrealised_pnl: '0.3', unrealised_fraction: 0.0015, stop_distance: 0.03, target_distance: 0.03, progress: 0.5 },
      ],
      totals: TOTALS,
    })
    const [moved, other] = client.getQueryData<OpenPosition[]>(keys.positions) ?? []
    expect(moved).toMatchObject({ unrealised_pnl: '0.3', mark_price: '84500', mark_ms: 9 })
    expect(other).toEqual(aPosition({ id: 'po:2', asset: 'ETH' }))
    expect(client.getQueryData<Summary>(keys.summary)).toMatchObject({ equity: '10020', sharpe: 1.5 })
    expect(client.getQueryData(keys.eventTime)).toBe(9)
  })

  it('an equity row lengthens the portfolio and each strategy', () => {
    const client = new QueryClient()
    client.setQueryData(keys.equity(PORTFOLIO, 'All'), aCurve(null, [[1, '10000']]))
    client.setQueryData(keys.equity(OF_A, 'All'), aCurve('a', [[1, '10000']]))
    client.setQueryData(keys.equity({ strategy: 'b', asset: null }, 'All'), aCurve('b', [[1, '10000']]))
    apply(client, {
      kind: 'equity',
      seq: 1,
      t: 2,
      equity: '10005',
      drawdown: 0.1,
      max_drawdown: 0.2,
      strategies: { a: { equity: '10004', drawdown: 0 } },
    })
    const last = (strategy: string | null, asset: string | null = null) =>
      client.getQueryData<EquityCurve>(keys.equity({ strategy, asset }, 'All'))?.points.at(-1)
    expect(last(null)).toEqual({ t: 2, equity: '10005', drawdown: 0.1 })
    expect(last('a')?.equity).toBe('10004')
    expect(last('b')?.t).toBe(1)
  })

  it('an equity row says nothing about an asset, nor about a span that is over', () => {
    const client = new QueryClient()
    const [asset, span] = [{ strategy: null, asset: 'BTC' }, { from: 0, to: 2 }]
    client.setQueryData(keys.equity(asset, 'All'), { ...aCurve(null, [[1, '10000']]), asset: 'BTC' })
    client.setQueryData(keys.equity(PORTFOLIO, span), aCurve(null, [[1, '10000']]))
    apply(client, { kind: 'equity', seq: 2, t: 2, equity: '10005', drawdown: 0, max_drawdown: 0, strategies: {} })
    expect(client.getQueryData<EquityCurve>(keys.equity(asset, 'All'))?.points).toHaveLength(1)
    expect(client.getQueryData<EquityCurve>(keys.equity(PORTFOLIO, span))?.points).toHaveLength(1)
  })

  it('the mark of a NO token is the one that the server says, not that of its market', () => {
    const client = new QueryClient()
    client.setQueryData(keys.positions, [aPosition({ exchange: 'polymarket', direction: 'SHORT', mark_price: '0.05' })])
    const worth = { unrealised_pnl: '-2.8', unrealised_fraction: -0.93, stop_distance: null, target_distance: null, progress: null }
    apply(client, {
      kind: 'mark', seq: 1, exchange: 'polymarket', asset: '0xa1', price: '0.98', event_time_ms: 9, totals: null,
      positions: [{ id: 'po:1', mark_price: '0.02', ...worth }],
    })
    expect(client.getQueryData<OpenPosition[]>(keys.positions)?.[0]?.mark_price).toBe('0.02')
  })

  it('candles that close between two renderings are all kept', () => {
    const client = new QueryClient()
    for (let t = 0; t < 130; t += 1) {
      apply(client, { kind: 'candle', seq: t, exchange: 'hyperliquid', asset: 'BTC', candle: { t, o: 1, h: 1, l: 1, c: 1, v: 1 } })
    }
    const held = client.getQueryData<CandlePoint[]>(keys.closedCandles('BTC')) ?? []
    expect([held.length, held[0]?.t, held.at(-1)?.t]).toEqual([120, 10, 129])
  })

  it('a decision replaces its signal and makes no second line', () => {
    const client = new QueryClient()
    apply(client, { kind: 'signal', seq: 1, signal: aSignal({ decision: null, reason: null }) })
    apply(client, { kind: 'signal', seq: 2, signal: aSignal({ decision: 'opened', reason: null }) })
    expect(client.getQueryData<SignalRow[]>(keys.signals)).toEqual([aSignal({ decision: 'opened', reason: null })])
  })
})

describe('lists and curves', () => {
  it('keeps the newest first, whatever the order of arrival', () => {
    const late = aFill({ id: 'b', t: 1 })
    expect(upsert([aFill({ id: 'c', t: 3 }), aFill({ id: 'a', t: 0 })], late).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })

  it('does not grow without end', () => {
    let held: ReturnType<typeof aFill>[] = []
    for (let t = 0; t < 150; t += 1) held = upsert(held, aFill({ id: String(t), t }))
    expect(held).toHaveLength(100)
    expect(held[0]?.id).toBe('149')
  })

  it('takes a point once', () => {
    const curve = aCurve(null, [[5, '10000']])
    expect(extended(curve, { t: 5, equity: '1', drawdown: 0 })).toBe(curve)
    expect(extended(curve, { t: 6, equity: '1', drawdown: 0 }).points).toHaveLength(2)
  })
})
