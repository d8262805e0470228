/** The filters of the trade explorer: what the address says, and the address of what was chosen. Pure. */

import type { TradeFilters, TradeOrder } from '../../api/trades'
import { offsetMs } from '../../format/zone'
import { words } from '../../format/words'
import { link } from '../../ui/route'

export const VIEW = 'trades'

const EXCHANGES = ['hyperliquid', 'polymarket'] as const
const DIRECTIONS = ['LONG', 'SHORT'] as const
const STATUSES = ['OPEN', 'CLOSED'] as const
const EXIT_REASONS = ['stop_loss', 'take_profit', 'timeout', 'signal', 'manual', 'resolved'] as const
const RESULTS = ['win', 'loss', 'flat'] as const
export const SORTS = ['entry', 'exit', 'pnl', 'hold', 'fees', 'funding', 'slippage'] as const

type Options = readonly (readonly [value: string, words: string])[]

export const OPTIONS = {
  exchange: [['', 'all'], ...EXCHANGES.map((each) => [each, each] as const)],
  direction: [['', 'both'], ['LONG', 'long'], ['SHORT', 'short']],
  status: [['', 'all'], ['OPEN', 'open'], ['CLOSED', 'closed']],
  exit_reason: [['', 'any'], ...EXIT_REASONS.map((each) => [each, words(each)] as const)],
  result: [['', 'any'], ['win', 'gain'], ['loss', 'loss'], ['flat', 'exactly 0']],
} as const satisfies Record<string, Options>

function one<T extends string>(of: readonly T[], text: string | null): T | null {
  return of.find((each) => each === text) ?? null
}

function moment(text: string | null): number | null {
  const ms = Number(text)
  return text !== null && Number.isSafeInteger(ms) && ms >= 0 ? ms : null
}

/** What the address does not say, or says wrongly, does not filter. */
export function filtersOf(query: URLSearchParams): TradeFilters {
  return {
    strategy: query.get('strategy'),
    asset: query.get('asset'),
    exchange: one(EXCHANGES, query.get('exchange')),
    direction: one(DIRECTIONS, query.get('direction')),
    status: one(STATUSES, query.get('status')),
    exit_reason: one(EXIT_REASONS, query.get('exit_reason')),
    result: one(RESULTS, query.get('result')),
    from: moment(query.get('from')),
    to: moment(query.get('to')),
  }
}

/** Newest entry first, unless the address says otherwise. */
export function orderOf(query: URLSearchParams): TradeOrder {
  return { sort: one(SORTS, query.get('sort')) ?? 'entry', order: query.get('order') === 'asc' ? 'asc' : 'desc' }
}

/** A click on a column: the largest first; on the one that sorts already, the other way round. */
export function sortedBy({ sort, order }: TradeOrder, column: TradeOrder['sort']): TradeOrder {
  return { sort: column, order: column === sort && order === 'desc' ? 'asc' : 'desc' }
}

export function isFiltered(filters: TradeFilters): boolean {
  return Object.values(filters).some((value) => value !== null)
}

export function address(filters: TradeFilters, { sort, order }: TradeOrder, trade: string | null = null): string {
  const { from, to, ...named } = filters
  return link(VIEW, {
    ...named,
    from: from === null ? null : String(from),
    to: to === null ? null : String(to),
    sort: sort === 'entry' ? null : sort,
    order: order === 'desc' ? null : order,
    trade,
  })
}

/** A moment as an input of the shown clock holds it, `2025-03-05T19:55`, and back. */
export function toInput(timeMs: number | null): string {
  return timeMs === null ? '' : new Date(timeMs + offsetMs(timeMs)).toISOString().slice(0, 16)
}

export function fromInput(text: string): number | null {
  const shown = Date.parse(`${text}Z`)
  return Number.isNaN(shown) ? null : shown - offsetMs(shown)
}
