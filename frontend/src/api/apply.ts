/** What each live message changes in the query cache. */

import type { QueryClient } from '@tanstack/react-query'

import type {
  CandlePoint,
  EquityCurve,
  EquityPoint,
  FillRow,
  Health,
  LiveMessage,
  OpenPosition,
  SignalRow,
  StrategyRow,
  Summary,
} from './client'
import { keys } from './keys'
import type { Mark } from './keys'
import { refresh } from './refresh'

const FEED_LENGTH = 100
/** Several may come between two renderings, and while another asset is shown. */
const CANDLES_KEPT = 120

type Of<K extends LiveMessage['kind']> = Extract<LiveMessage, { kind: K }>

export function apply(client: QueryClient, message: LiveMessage): void {
  switch (message.kind) {
    case 'snapshot':
      client.setQueryData<Summary>(keys.summary, message.summary)
      client.setQueryData<OpenPosition[]>(keys.positions, message.positions)
      client.setQueryData<SignalRow[]>(keys.signals, message.signals)
      client.setQueryData<FillRow[]>(keys.fills, message.fills)
      client.setQueryData<Health>(keys.health, message.health)
      // After a pause the series have holes that no message fills.
      for (const key of [keys.curves, keys.allCandles, keys.allTrades, keys.strategies]) {
        void client.invalidateQueries({ queryKey: key })
      }
      return
    case 'resumed':
      return
    case 'mark':
      applyMark(client, message)
      return
    case 'position':
      client.setQueryData<OpenPosition[]>(keys.positions, message.positions)
      return
    case 'fill':
      client.setQueryData<FillRow[]>(keys.fills, (held) => upsert(held, message.fill))
      refresh(client, keys.trades(message.fill.asset))
      if (message.fill.purpose !== 'entry') refresh(client, keys.strategies)
      return
    case 'signal':
      client.setQueryData<SignalRow[]>(keys.signals, (held) => upsert(held, message.signal))
      client.setQueryData<StrategyRow[]>(keys.strategies, (held) => withSignal(held, message.signal))
      return
    case 'equity':
      applyEquity(client, message)
      return
    case 'candle':
      client.setQueryData<CandlePoint[]>(keys.closedCandles(message.asset), (held) => [
        ...(held ?? []).slice(1 - CANDLES_KEPT),
        message.candle,
      ])
      return
    case 'health':
      client.setQueryData<Health>(keys.health, message.health)
      return
    default:
      message satisfies never
  }
}

function applyMark(client: QueryClient, message: Of<'mark'>): void {
  const mark: Mark = { price: message.price, event_time_ms: message.event_time_ms }
  client.setQueryData<Mark>(keys.mark(message.asset), mark)
  client.setQueryData<number>(keys.eventTime, (held) => Math.max(held ?? 0, message.event_time_ms))
  const { totals } = message
  if (totals) client.setQueryData<Summary>(keys.summary, (held) => held && { ...held, ...totals })
  if (!message.positions.length) return
  const changed = new Map(message.positions.map((each) => [each.id, each]))
  client.setQueryData<OpenPosition[]>(keys.positions, (held) =>
    held?.map((position) => {
      const news = changed.get(position.id)
      return news ? { ...position, ...news, mark_ms: mark.event_time_ms } : position
    }),
  )
}

function applyEquity(client: QueryClient, message: Of<'equity'>): void {
  const { drawdown, max_drawdown } = message
  client.setQueryData<Summary>(keys.summary, (held) => held && { ...held, drawdown, max_drawdown })
  for (const [key, held] of client.getQueriesData<EquityCurve>({ queryKey: keys.curves })) {
    // Of assets, and of strategies in one, nothing is said: those curves are asked for again.
    if (held?.asset !== null) continue
    const part = held.strategy === null ? message : message.strategies[held.strategy]
    if (part) {
      const point = { t: message.t, equity: part.equity, drawdown: part.drawdown }
      client.setQueryData<EquityCurve>(key, extended(held, point))
    }
  }
}

/** `curve` with one more point; one that it has already, or an older one, changes nothing. */
export function extended(curve: EquityCurve, point: EquityPoint): EquityCurve {
  const last = curve.points.at(-1)
  if (last && point.t <= last.t) return curve
  return { ...curve, rows: curve.rows + 1, points: [...curve.points, point] }
}

interface Row {
  id: string
  t: number
}

/** Newest first, one row per id, the newer version of it; a bounded list. */
export function upsert<T extends Row>(held: T[] | undefined, row: T): T[] {
  const others = (held ?? []).filter((each) => each.id !== row.id)
  const place = others.findIndex((each) => each.t <= row.t)
  const at = place === -1 ? others.length : place
  return [...others.slice(0, at), row, ...others.slice(at)].slice(0, FEED_LENGTH)
}

function withSignal(held: StrategyRow[] | undefined, signal: SignalRow): StrategyRow[] | undefined {
  return held?.map((row) =>
    row.name === signal.strategy && signal.t >= (row.last_signal_ms ?? 0)
      ? { ...row, last_signal_ms: signal.t, last_signal_direction: signal.direction, last_signal_asset: signal.asset }
      : row,
  )
}
