import { count } from '../../format/numbers'
import { span } from '../../format/times'
import { link } from '../../ui/route'
import type { Shade } from './shading'

interface Props {
  shaded: readonly Shade[]
  /** There are more gaps than the newest ones that were asked for. */
  cut: boolean
  known: boolean
}

/** What the shading means, or that nothing had to be shaded. */
export function Gaps({ shaded, cut, known }: Props) {
  if (!known) return null
  if (!shaded.length) return <>No gap in the data in this time.</>
  const seconds = shaded.reduce((sum, { from, to }) => sum + (to - from) / 1_000, 0)
  return (
    <>
      <span className="swatch is-gap" aria-hidden="true" /> {count(shaded.length)} {shaded.length === 1 ? 'time' : 'times'} without
      data, {span(seconds)} in all: no strategy was evaluated, or no position valued, meanwhile (<a href={link('data')}>gaps</a>).
      {cut ? ' Older gaps are not shaded: there are too many.' : ''}
    </>
  )
}
