import type { StrategyRow } from '../../api/client'
import { signedUsd } from '../../format/numbers'
import { PARTS, shares } from './split'

/** Where the realised P&L comes from: the figures, and their sizes as one bar. */
export function Split({ split }: { split: StrategyRow['split'] }) {
  const text = PARTS.map((part) => `${part} ${signedUsd(split[part])}`).join(' · ')
  return (
    <div className="split" title={`${text}. They add up to the realised P&L.`}>
      <span className="split-bar" aria-hidden="true">
        {shares(split).map(({ part, share, gain }) => (
          <span key={part} className={`is-${part} ${gain ? 'is-gain' : 'is-cost'}`} style={{ flexGrow: share }} />
        ))}
      </span>
      <small>{text}</small>
    </div>
  )
}
