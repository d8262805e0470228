import type { ReactNode } from 'react'

import { usd } from '../../format/numbers'
import { isShown } from './filters'
import type { Series } from './series'

interface Props {
  series: readonly Series[]
  switched: ReadonlySet<string>
  /** The newest equity of a curve, a decimal string; undefined while it is not known. */
  last: (series: Series) => string | undefined
  onToggle: (name: string) => void
  children?: ReactNode
}

/** A switch for each curve. */
export function Legend({ series, switched, last, onToggle, children }: Props) {
  return (
    <div className="legend" role="group" aria-label="Curves">
      {series.map((each) => {
        const value = last(each)
        return (
          <button
            key={each.name}
            type="button"
            aria-pressed={isShown(each, switched)}
            title={each.meaning}
            onClick={() => {
              onToggle(each.name)
            }}
          >
            <span className={each.dashed ? 'swatch is-dashed' : 'swatch'} style={{ color: each.colour }} />
            {each.label}
            {value === undefined ? null : <small>{usd(value)}</small>}
          </button>
        )
      })}
      {children}
    </div>
  )
}
