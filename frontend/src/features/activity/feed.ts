/** One list of what happened, newest first: executions, and signals that led to none. */

import type { FillRow, SignalRow } from '../../api/client'

export interface FillEntry {
  kind: 'fill'
  key: string
  t: number
  fill: FillRow
}

export interface SignalEntry {
  kind: 'signal'
  key: string
  t: number
  signal: SignalRow
  /** How many equal ones in a row this line stands for: a signal that goes on is sent each time. */
  times: number
}

export type Entry = FillEntry | SignalEntry

const ACTED = new Set(['opened', 'reversed', 'closed'])

function same(a: SignalRow, b: SignalRow): boolean {
  return (
    a.strategy === b.strategy &&
    a.asset === b.asset &&
    a.direction === b.direction &&
    a.decision === b.decision &&
    a.reason === b.reason
  )
}

/** Signals that were acted on are seen by their fills. `limit` counts lines after folding. */
export function entries(signals: readonly SignalRow[], fills: readonly FillRow[], limit: number): Entry[] {
  const folded: SignalEntry[] = []
  const last = new Map<string, SignalEntry>()
  for (const signal of signals) {
    if (signal.decision !== null && ACTED.has(signal.decision)) {
      last.delete(`${signal.strategy} ${signal.asset}`)
      continue
    }
    const lane = `${signal.strategy} ${signal.asset}`
    const before = last.get(lane)
    if (before && same(before.signal, signal)) {
      before.times += 1
      continue
    }
    const entry: SignalEntry = { kind: 'signal', key: signal.id, t: signal.t, signal, times: 1 }
    folded.push(entry)
    last.set(lane, entry)
  }
  const executed = fills.map((fill): FillEntry => ({ kind: 'fill', key: fill.id, t: fill.t, fill }))
  return [...executed, ...folded].sort((a, b) => b.t - a.t).slice(0, limit)
}
