/** Questions of the views on research, parity and the platform itself. */

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { api, unwrap } from './client'
import { keys } from './keys'
import type { ParityFilters } from './keys'
import type { components } from './schema'

const REFRESH_MS = 15_000

export const useBacktests = () =>
  useInfiniteQuery({
    queryKey: keys.backtests,
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/backtests', { params: { query: { limit: 25, cursor: pageParam || null } } })),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.next_cursor === null ? null : Number(page.next_cursor)),
    refetchInterval: REFRESH_MS,
  })

/** Runs beside each other; nothing is asked for while none is chosen. */
export const useComparison = (ids: readonly number[]) =>
  useQuery({
    queryKey: keys.comparison(ids),
    queryFn: () => unwrap(api.GET('/api/backtests/compare', { params: { query: { id: [...ids] } } })),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    // A stored run never changes.
    staleTime: Infinity,
  })

export type RunTrade = components['schemas']['BacktestTrade']

/** Trades of one stored run, in order of closing. */
export const useRunTrades = (run: number) =>
  useInfiniteQuery({
    queryKey: keys.runTrades(run),
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET('/api/backtests/{run_id}/trades', {
          params: { path: { run_id: run }, query: { limit: 100, cursor: pageParam } },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.next_cursor === null ? null : Number(page.next_cursor)),
    // A stored run never changes.
    staleTime: Infinity,
  })

export const useStudies = () =>
  useInfiniteQuery({
    queryKey: keys.studies,
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/studies', { params: { query: { limit: 25, cursor: pageParam || null } } })),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.next_cursor === null ? null : Number(page.next_cursor)),
    refetchInterval: REFRESH_MS,
  })

export const useStudy = (id: number, across: string | null, down: string | null) =>
  useQuery({
    queryKey: keys.study(id, across, down),
    queryFn: () =>
      unwrap(api.GET('/api/studies/{study_id}', { params: { path: { study_id: id }, query: { across, down } } })),
    placeholderData: keepPreviousData,
    // A search that goes on grows; one that has been judged stays.
    refetchInterval: ({ state }) => (state.data?.verdict ? false : REFRESH_MS),
  })

export const useParity = ({ order, verdict }: ParityFilters) =>
  useInfiniteQuery({
    queryKey: keys.parity({ order, verdict }),
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/api/parity', { params: { query: { order, verdict, limit: 40, cursor: pageParam || null } } })),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.next_cursor === null ? null : Number(page.next_cursor)),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  })

export const useParityReport = (id: number) =>
  useQuery({
    queryKey: keys.parityReport(id),
    queryFn: () => unwrap(api.GET('/api/parity/{report_id}', { params: { path: { report_id: id } } })),
    staleTime: Infinity,
  })

export const useSystem = () =>
  useQuery({
    queryKey: keys.system,
    queryFn: () => unwrap(api.GET('/api/system')),
    refetchInterval: 5_000,
  })

export const useProbability = (market: string) =>
  useQuery({
    queryKey: keys.probability(market),
    queryFn: () =>
      unwrap(
        api.GET('/api/polymarket/markets/{market_id}/probability', {
          params: { path: { market_id: market }, query: { points: 600 } },
        }),
      ),
    refetchInterval: ({ state }) => (state.data?.resolved_ms == null ? REFRESH_MS : false),
  })
