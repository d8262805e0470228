/** Which curves there are, and how each is named and drawn. Pure. */

import type { CurveOf } from '../../api/keys'
import { seriesColour } from '../../ui/colours'

export const PORTFOLIO = 'portfolio'

export interface Series {
  of: CurveOf
  /** Names it in links and rows. */
  name: string
  label: string
  colour: string
  /** Lines of whole assets, to tell them from those of strategies. */
  dashed: boolean
  /** What the line is, in a sentence. */
  meaning: string
}

/** `asset BTC` has a blank: no strategy can be called so. */
export function nameOf({ strategy, asset }: CurveOf): string {
  return strategy ?? (asset === null ? PORTFOLIO : `asset ${asset}`)
}

interface Strategy {
  name: string
  class_name: string
}

/**
 * The whole (of the portfolio, or of the chosen asset), then each strategy by name, then, if no asset is chosen, each
 * asset. A strategy keeps its colour whatever is shown.
 */
export function allSeries(strategies: readonly Strategy[], assets: readonly string[], asset: string | null): Series[] {
  const within = asset === null ? '' : ` in ${asset}`
  const whole = {
    of: { strategy: null, asset },
    label: asset === null ? 'Portfolio' : `All in ${asset}`,
    colour: seriesColour(0),
    dashed: false,
    meaning: asset === null ? 'The whole portfolio' : `Initial capital plus the P&L of all strategies in ${asset}`,
  }
  const each = [...strategies]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, class_name }, place) => ({
      of: { strategy: name, asset },
      label: class_name,
      colour: seriesColour(place + 1),
      dashed: false,
      meaning: `Initial capital plus the P&L of this strategy${within}`,
    }))
  const byAsset = (asset === null ? assets : []).map((one, place) => ({
    of: { strategy: null, asset: one },
    label: one,
    colour: seriesColour(place + 1),
    dashed: true,
    meaning: `Initial capital plus the P&L of all strategies in ${one}`,
  }))
  return [whole, ...each, ...byAsset].map((one) => ({ ...one, name: nameOf(one.of) }))
}
