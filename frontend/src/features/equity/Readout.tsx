import { percent, usd } from '../../format/numbers'
import { dateTime, zoneName } from '../../format/times'
import { lastAt } from './merge'
import type { MomentRow } from './merge'
import type { Series } from './series'
import { shadeAt } from './shading'
import type { Shade } from './shading'

interface Props {
  t: number
  rows: readonly MomentRow[]
  shown: readonly Series[]
  fallen: readonly Series[]
  shaded: readonly Shade[]
}

/** What the crosshair crosses: equity and drawdown of each curve, and the hole in the data, if it is in one. */
export function Readout({ t, rows, shown, fallen, shaded }: Props) {
  const index = rows.findIndex((row) => row.t === t)
  if (index === -1) return null
  const values = lastAt(rows, index, shown.map(({ name }) => name), 'values')
  const falls = lastAt(rows, index, fallen.map(({ name }) => name), 'falls')
  const gap = shadeAt(shaded, t)
  return (
    <div className="readout">
      <time>
        {dateTime(t).slice(0, 16)} {zoneName(t)}
      </time>
      <dl>
        {shown.map(({ name, label, colour }) => {
          const [value, fall] = [values.get(name), falls.get(name)]
          return (
            <div key={name}>
              <dt>
                <span className="swatch" style={{ background: colour }} />
                {label}
              </dt>
              <dd>
                {value === undefined ? '' : usd(String(value))}
                {fall === undefined ? null : <small> {percent(fall)}</small>}
              </dd>
            </div>
          )
        })}
      </dl>
      {gap ? <p className="readout-gap">No data: {named(gap.channels)}</p> : null}
    </div>
  )
}

const NAMED = 3

function named(channels: readonly string[]): string {
  const more = channels.length - NAMED
  return channels.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
