/** From gaps to the parts of the time axis that are shaded. Pure. */

import type { GapRow } from '../../api/client'
import { touchesResults } from '../../api/gaps'

export interface Shade {
  from: number
  to: number
  /** Channels that were silent: `BTC ctx`. */
  channels: string[]
}

/**
 * The times without data that decide results, in [first, last], oldest first; what overlaps is one shade.
 *
 * asset: only what is missing of it (and of everything at once); null: of any.
 */
export function shades(gaps: readonly GapRow[], asset: string | null, first: number, last: number): Shade[] {
  const found: Shade[] = []
  const within = gaps
    .filter((gap) => touchesResults(gap) && (asset === null || gap.asset === asset || gap.asset === '_'))
    .map((gap) => ({ from: Math.max(first, gap.from_ms), to: Math.min(last, gap.to_ms ?? last), name: `${gap.asset} ${gap.channel}` }))
    .filter(({ from, to }) => from <= to)
    .sort((a, b) => a.from - b.from)
  for (const { from, to, name } of within) {
    const before = found.at(-1)
    if (before && from <= before.to) {
      before.to = Math.max(before.to, to)
      if (!before.channels.includes(name)) before.channels.push(name)
    } else {
      found.push({ from, to, channels: [name] })
    }
  }
  return found
}

/** The same, none narrower than one of `parts` of [first, last]: a minute in three months would be less than a pixel. */
export function widened(all: readonly Shade[], first: number, last: number, parts: number): Shade[] {
  const least = (last - first) / parts
  return all.map((shade) => ({ ...shade, to: Math.min(last, Math.max(shade.to, shade.from + least)) }))
}

export function shadeAt(all: readonly Shade[], t: number): Shade | undefined {
  return all.find(({ from, to }) => from <= t && t <= to)
}
