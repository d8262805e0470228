import { keepPreviousData, skipToken, useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'

import { api, unwrap } from './client'
import type { CandlePoint, Interval } from './client'
import { keys, rangeMs } from './keys'
import type { CompareFilters, CurveOf, GapFilters, Mark, MarketFilters, Span } from './keys'
import type { Connection } from './live'

/** Slow enough to cost nothing, fast enough that the page is right without its WebSocket. */
const REFRESH_MS = 10_000
/** With the time of the answer still less than ten seconds. */
const POSITIONS_REFRESH_MS = 8_000
/** While there is nothing to show: whoever has just started the platform is waiting for it. */
const EMPTY_REFRESH_MS = 2_000
const CURVE_POINTS = 300
const GAPS_SHADED = 1_000

export const useSummary = () =>
  useQuery({
    queryKey: keys.summary,
    queryFn: () => unwrap(api.GET('/api/summary')),
    refetchInterval: REFRESH_MS,
  })

export const useStrategies = () =>
  useQuery({
    queryKey: keys.strategies,
    queryFn: () => unwrap(api.GET('/api/strategies')),
    refetchInterval: ({ state }) => (state.data?.length ? REFRESH_MS : EMPTY_REFRESH_MS),
  })

function compareQuery({ asset, exchange, range }: CompareFilters, eventTimeMs: number | null) {
  return { asset, exchange, ...bounds(range, eventTimeMs) }
}

/** Figures of what the filters leave; without one the rows that the WebSocket keeps moving. */
export const useComparison = (filters: CompareFilters, eventTimeMs: number | null) => {
  const all = filters.asset === null && filters.exchange === null && filters.range === 'All'
  return useQuery({
    queryKey: all ? keys.strategies : keys.compared(filters),
    queryFn: () => unwrap(api.GET('/api/strategies', { params: { query: compareQuery(filters, eventTimeMs) } })),
    refetchInterval: ({ state }) => (state.data?.length ? REFRESH_MS : EMPTY_REFRESH_MS),
    placeholderData: keepPreviousData,
  })
}

export const useStrategy = (name: string, filters: CompareFilters, eventTimeMs: number | null) =>
  useQuery({
    queryKey: keys.strategy(name, filters),
    queryFn: () => {
      const query = compareQuery(filters, eventTimeMs)
      return unwrap(api.GET('/api/strategies/{name}', { params: { path: { name }, query } }))
    },
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })

export const useStrategyHealth = () =>
  useQuery({
    queryKey: keys.strategyHealth,
    queryFn: () => unwrap(api.GET('/api/strategy-health')),
    refetchInterval: REFRESH_MS,
  })

export const usePositions = () =>
  useQuery({
    queryKey: keys.positions,
    queryFn: () => unwrap(api.GET('/api/positions/open')),
    refetchInterval: POSITIONS_REFRESH_MS,
  })

export const useSignals = () =>
  useQuery({
    queryKey: keys.signals,
    queryFn: () => unwrap(api.GET('/api/signals', { params: { query: { limit: 100 } } })),
    refetchInterval: REFRESH_MS,
  })

export const useFills = () =>
  useQuery({
    queryKey: keys.fills,
    queryFn: () => unwrap(api.GET('/api/fills', { params: { query: { limit: 100 } } })),
    refetchInterval: REFRESH_MS,
  })

export const useHealth = () =>
  useQuery({
    queryKey: keys.health,
    queryFn: () => unwrap(api.GET('/api/health')),
    refetchInterval: REFRESH_MS,
  })

export const useCoverage = () =>
  useQuery({
    queryKey: keys.coverage,
    queryFn: () => unwrap(api.GET('/api/coverage')),
    // The recorder counts once a minute.
    refetchInterval: ({ state }) => (state.data?.days.length ? 6 * REFRESH_MS : REFRESH_MS),
  })

export const useGaps = ({ exchange, asset, channel, state }: GapFilters) =>
  useInfiniteQuery({
    queryKey: keys.gaps({ exchange, asset, channel, state }),
    queryFn: ({ pageParam }) => {
      const query = { exchange: exchangeOf(exchange), asset, channel, state, cursor: pageParam || null }
      return unwrap(api.GET('/api/gaps', { params: { query } }))
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })

function exchangeOf(name: string | null): 'hyperliquid' | 'polymarket' | null {
  return name === 'hyperliquid' || name === 'polymarket' ? name : null
}

export const useMarkets = ({ state, asset }: MarketFilters) =>
  useInfiniteQuery({
    queryKey: keys.markets({ state, asset }),
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/polymarket/markets', { params: { query: { state, asset, cursor: pageParam || null } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })

/** From and to of a span as the API takes them; a range ends at market time, which is not asked for. */
function bounds(span: Span, eventTimeMs: number | null): { from?: number | undefined; to?: number } {
  if (typeof span !== 'string') return span
  const back = rangeMs(span)
  return { from: back === null || eventTimeMs === null ? undefined : Math.max(0, eventTimeMs - back) }
}

/** `eventTimeMs` places a range, which ends at market time. */
export const useEquityCurves = (curves: readonly CurveOf[], span: Span, eventTimeMs: number | null) =>
  useQueries({
    queries: curves.map((of) => ({
      queryKey: keys.equity(of, span),
      queryFn: () => {
        const query = { ...of, ...bounds(span, eventTimeMs), points: CURVE_POINTS }
        return unwrap(api.GET('/api/equity-curve', { params: { query } }))
      },
      // The curve grows by WebSocket; this thins it out again, and serves a page without one.
      refetchInterval: 2 * REFRESH_MS,
      placeholderData: keepPreviousData,
    })),
  })

/** The newest gaps that touch a span, and whether there are more of them. */
export const useGapsIn = (span: Span, eventTimeMs: number | null) =>
  useQuery({
    queryKey: keys.gapsIn(span),
    queryFn: () => unwrap(api.GET('/api/gaps', { params: { query: { ...bounds(span, eventTimeMs), limit: GAPS_SHADED } } })),
    refetchInterval: 2 * REFRESH_MS,
    placeholderData: keepPreviousData,
  })

export const useCandles = (asset: string, interval: Interval) =>
  useQuery({
    queryKey: keys.candles(asset, interval),
    queryFn: () => unwrap(api.GET('/api/candles', { params: { query: { asset, interval, limit: 600 } } })),
    // Asked again whenever it comes into view: meanwhile more may have closed than the WebSocket's list holds.
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.candles.length ? 3 * REFRESH_MS : EMPTY_REFRESH_MS),
  })

/** Those in the coin itself: what was paid for tokens of prediction markets on it is no price of the coin. */
export const useTrades = (asset: string) =>
  useQuery({
    queryKey: keys.trades(asset),
    queryFn: () => unwrap(api.GET('/api/trades', { params: { query: { asset, exchange: 'hyperliquid', limit: 500 } } })),
    refetchInterval: 3 * REFRESH_MS,
  })

/** The newest mark, once the WebSocket has brought one. */
export const useMark = (asset: string) =>
  useQuery<Mark>({ queryKey: keys.mark(asset), queryFn: skipToken, staleTime: Infinity })

/** Market time, as far as anything on the page has heard of it. */
export const useEventTime = (): number | null => {
  const live = useQuery<number>({ queryKey: keys.eventTime, queryFn: skipToken, staleTime: Infinity }).data
  const summary = useSummary().data?.event_time_ms
  const known = [live, summary].filter((each) => typeof each === 'number')
  return known.length ? Math.max(...known) : null
}

/** The last one-minute candles that the WebSocket has brought, oldest first. */
export const useClosedCandles = (asset: string) =>
  useQuery<CandlePoint[]>({ queryKey: keys.closedCandles(asset), queryFn: skipToken, staleTime: Infinity })

export const useConnection = (): Connection =>
  useQuery<Connection>({ queryKey: keys.connection, queryFn: skipToken, staleTime: Infinity }).data ?? {
    state: 'connecting',
  }
