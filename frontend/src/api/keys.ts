/** Names of everything in the query cache: queries fill it, the WebSocket keeps it moving. */

export const RANGES = ['6 h', '1 d', '7 d', '30 d', 'All'] as const
export type Range = (typeof RANGES)[number]

const HOUR_MS = 3_600_000

export function rangeMs(range: Range): number | null {
  switch (range) {
    case '6 h':
      return 6 * HOUR_MS
    case '1 d':
      return 24 * HOUR_MS
    case '7 d':
      return 7 * 24 * HOUR_MS
    case '30 d':
      return 30 * 24 * HOUR_MS
    case 'All':
      return null
    default:
      return range satisfies never
  }
}

/** A range moves with market time; a span with both ends stands still. UTC milliseconds, the end excluded. */
export type Span = Range | { from: number; to: number }

/** A strategy, an asset, a strategy in an asset, or, with neither, the portfolio. */
export interface CurveOf {
  strategy: string | null
  asset: string | null
}

export interface Mark {
  price: string
  event_time_ms: number
}

/** null does not filter. */
export interface GapFilters {
  exchange: string | null
  asset: string | null
  channel: string | null
  state: 'open' | 'lost' | 'filled' | null
}

export interface MarketFilters {
  state: 'open' | 'awaited' | 'resolved'
  asset: string | null
}

export interface ParityFilters {
  order: 'recorded' | 'ideal' | null
  verdict: 'identical' | 'different' | 'explained' | 'unexplained' | null
}

export interface CompareFilters {
  asset: string | null
  exchange: 'hyperliquid' | 'polymarket' | null
  range: Range
}

export const keys = {
  summary: ['summary'],
  strategies: ['strategies'],
  compared: (filters: CompareFilters) => ['strategies', filters],
  strategy: (name: string, filters: CompareFilters) => ['strategies', name, filters],
  strategyHealth: ['strategy-health'],
  positions: ['positions'],
  signals: ['signals'],
  fills: ['fills'],
  health: ['health'],
  coverage: ['coverage'],
  gaps: (filters: GapFilters) => ['gaps', filters],
  markets: (filters: MarketFilters) => ['markets', filters],
  probability: (market: string) => ['probability', market],
  backtests: ['backtests'],
  comparison: (ids: readonly number[]) => ['backtests', 'compare', ids],
  runTrades: (run: number) => ['run-trades', run],
  studies: ['studies'],
  study: (id: number, across: string | null, down: string | null) => ['studies', id, across, down],
  parity: (filters: ParityFilters) => ['parity', filters],
  parityReport: (id: number) => ['parity', id],
  system: ['system'],
  definitions: ['definitions'],
  eventTime: ['event-time'],
  connection: ['connection'],
  equity: (of: CurveOf, span: Span) => [typeof span === 'string' ? 'equity' : 'past-equity', of, span],
  /** Those that grow at their end. */
  curves: ['equity'],
  gapsIn: (span: Span) => ['gaps', 'in', span],
  candles: (asset: string, interval: string) => ['candles', asset, interval],
  allCandles: ['candles'],
  trades: (asset: string) => ['trades', asset],
  allTrades: ['trades'],
  mark: (asset: string) => ['mark', asset],
  closedCandles: (asset: string) => ['closed-candles', asset],
} as const
