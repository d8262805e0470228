import type { Surface, SurfaceCell } from '../../api/client'
import { count } from '../../format/numbers'
import { figure, tint } from './surface'

interface Props {
  surface: Surface
  metric: string
  part: 'in_sample' | 'out_of_sample'
  /** The set that was chosen: its cell is framed. */
  best: number | null
}

/** More columns than this are colours only; their figures are in the tooltips. */
const WRITTEN = 12

const PARTS = {
  in_sample: { title: 'Where it was chosen', of: 'in sample', trades: 'trades_in_sample' },
  out_of_sample: { title: 'Where it was judged', of: 'out of sample', trades: 'trades_out_of_sample' },
} as const

/** The search over two parameters as a table whose cells are coloured: readable without colours, too. */
export function HeatMap({ surface, metric, part, best }: Props) {
  const { across, down, cells } = surface
  const places = new Map(cells.map((cell) => [`${cell.x} ${cell.y}`, cell]))
  const all = cells.flatMap((cell) => [cell.in_sample, cell.out_of_sample]).filter((value) => value !== null)
  const rows = down?.labels ?? ['']
  const written = across.labels.length <= WRITTEN
  const { title, of } = PARTS[part]
  return (
    <figure className="heat">
      <figcaption>
        <strong>{title}</strong> <small>{of}</small>
      </figcaption>
      <div className="scroller" role="region" aria-label={`${title}: ${across.name}${down ? ` and ${down.name}` : ''}`} tabIndex={0}>
        <table className="heat-map">
          <thead>
            <tr>
              <th scope="col">
                {down ? `${down.name} ↓ ` : ''}
                {across.name} →
              </th>
              {across.labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((label, y) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {across.labels.map((name, x) => (
                  <Cell key={name} cell={places.get(`${x} ${y}`)} {...{ metric, part, all, written, best }} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

interface CellProps extends Pick<Props, 'metric' | 'part' | 'best'> {
  cell: SurfaceCell | undefined
  all: readonly number[]
  written: boolean
}

function Cell({ cell, metric, part, all, written, best }: CellProps) {
  if (!cell) return <td title="No set of this place ran." />
  const value = cell[part]
  const trades = cell[PARTS[part].trades]
  if (value === null) return <td title={`Not defined; ${count(trades)} trades.`}>–</td>
  const shade = tint(metric, value, all)
  const strength = Math.round(Math.abs(shade) * 50)
  const text = figure(metric, value)
  const chosen = cell.number === best
  return (
    <td
      className={chosen ? 'is-best' : ''}
      title={`Set ${cell.number}${chosen ? ', the best where it was chosen' : ''}: ${text} on ${count(trades)} trades`}
      style={{ background: `color-mix(in srgb, var(--${shade >= 0 ? 'up' : 'down'}) ${strength}%, var(--panel))` }}
    >
      {written ? <span>{text}</span> : <span className="unseen">{text}</span>}
    </td>
  )
}
