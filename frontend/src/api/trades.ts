/** Questions about trades: pages of any order, totals, one trade whole. */

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { api, unwrap } from './client'
import type { Interval, TradeTotals } from './client'
import type { paths } from './schema'

const REFRESH_MS = 10_000
const PAGE_ROWS = 500

type Query = NonNullable<paths['/api/trades']['get']['parameters']['query']>

/** What of a trade page's question the reader chooses; null does not filter. */
export interface TradeFilters {
  strategy: string | null
  asset: string | null
  exchange: NonNullable<Query['exchange']> | null
  direction: NonNullable<Query['direction']> | null
  status: NonNullable<Query['status']> | null
  exit_reason: NonNullable<Query['exit_reason']> | null
  result: NonNullable<Query['result']> | null
  from: number | null
  to: number | null
}

export interface TradeOrder {
  sort: NonNullable<Query['sort']>
  order: NonNullable<Query['order']>
}

export const tradeKeys = {
  pages: (filters: TradeFilters, order: TradeOrder) => ['trade-pages', filters, order],
  totals: (filters: TradeFilters) => ['trade-totals', filters],
  one: (id: string) => ['trade', id],
  inMarket: (market: string) => ['market-trades', market],
  lineage: (id: string) => ['trade', id, 'lineage'],
  candles: (asset: string, interval: Interval, from: number, to: number) => ['trade-candles', asset, interval, from, to],
} as const

const totalsOf = (filters: TradeFilters): Promise<TradeTotals> =>
  unwrap(api.GET('/api/trades/totals', { params: { query: filters } }))

/**
 * Pages by cursor. The first one brings the totals of its moment, so that the view can tell when there is more.
 *
 * While only the first page is shown it stays fresh by itself; further ones would have to be asked for one by one.
 */
export const useTradePages = (filters: TradeFilters, order: TradeOrder) =>
  useInfiniteQuery({
    queryKey: tradeKeys.pages(filters, order),
    queryFn: async ({ pageParam }) => {
      const query = { ...filters, ...order, limit: PAGE_ROWS, cursor: pageParam || null }
      const asked = unwrap(api.GET('/api/trades', { params: { query } }))
      // Both are waited for together: a refusal of either is one error, and the other's is not left unheard.
      const [page, totals] = await Promise.all([asked, pageParam ? null : totalsOf(filters)])
      return { ...page, totals }
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    staleTime: Infinity,
    refetchOnReconnect: false,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : REFRESH_MS),
    placeholderData: keepPreviousData,
  })

export const useTradeTotals = (filters: TradeFilters) =>
  useQuery({
    queryKey: tradeKeys.totals(filters),
    queryFn: () => totalsOf(filters),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })

/** Of the file with every trade that matches. */
export function csvAddress(filters: TradeFilters, order: TradeOrder): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...filters, ...order })) if (value !== null) query.set(name, String(value))
  return `/api/trades.csv?${query.toString()}`
}

/** The file itself, for whoever reads with a token, which a link cannot carry. */
export const csvText = (filters: TradeFilters, order: TradeOrder): Promise<string> =>
  unwrap(api.GET('/api/trades.csv', { params: { query: { ...filters, ...order } }, parseAs: 'text' }))

export const useTrade = (id: string) =>
  useQuery({
    queryKey: tradeKeys.one(id),
    queryFn: () => unwrap(api.GET('/api/trades/{trade_id}', { params: { path: { trade_id: id } } })),
    // An open one goes on; of a closed one only a late funding rate can change anything.
    refetchInterval: ({ state }) => (state.data?.trade.status === 'OPEN' ? REFRESH_MS : false),
  })

export const useLineage = (id: string) =>
  useQuery({
    queryKey: tradeKeys.lineage(id),
    queryFn: () => unwrap(api.GET('/api/trades/{trade_id}/lineage', { params: { path: { trade_id: id } } })),
    staleTime: 6 * REFRESH_MS,
  })

export const useTradeCandles = (asset: string, interval: Interval, from: number, to: number) =>
  useQuery({
    queryKey: tradeKeys.candles(asset, interval, from, to),
    queryFn: () => unwrap(api.GET('/api/candles', { params: { query: { asset, interval, from, to, limit: 1000 } } })),
    staleTime: 6 * REFRESH_MS,
  })

/** Those in the tokens of one prediction market. */
export const useMarketTrades = (market: string) =>
  useQuery({
    queryKey: tradeKeys.inMarket(market),
    queryFn: () =>
      unwrap(api.GET('/api/trades', { params: { query: { exchange: 'polymarket', instrument: market, limit: 200 } } })),
    refetchInterval: REFRESH_MS,
  })

export const useRisk = () =>
  useQuery({ queryKey: ['risk'], queryFn: () => unwrap(api.GET('/api/risk')), refetchInterval: REFRESH_MS })
