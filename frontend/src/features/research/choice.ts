/** Which runs are beside each other, as the address has them: `runs=3,7`. */

import type { BacktestRow } from '../../api/client'

export const MOST = 6
const NONE = 'none'
const AT_FIRST = 2

/** Without a choice the newest runs; `none` is a choice too. */
export function chosenRuns(text: string | null, runs: readonly Pick<BacktestRow, 'id'>[]): number[] {
  if (text === null) return runs.slice(0, AT_FIRST).map(({ id }) => id)
  return [...new Set(text.split(',').map(Number))].filter((id) => Number.isSafeInteger(id) && id > 0).slice(0, MOST)
}

export function withRun(chosen: readonly number[], id: number, on: boolean): string {
  const next = on ? [...chosen, id] : chosen.filter((each) => each !== id)
  return next.join(',') || NONE
}
