import type { ReactNode } from 'react'

import { NONE, direction } from '../format/numbers'

interface AmountProps {
  /** What decides the colour: a decimal string or a number; null is not known. */
  of: string | number | null | undefined
  children: ReactNode
}

/** An amount in the colour of its direction. */
export function Amount({ of, children }: AmountProps) {
  return <span className={`amount is-${direction(of)}`}>{children}</span>
}

/** A figure that is not defined, with the reason for whoever asks. */
export function Missing({ why }: { why: string }) {
  return (
    <span className="missing" tabIndex={0} title={why} aria-label={`not defined: ${why}`}>
      {NONE}
    </span>
  )
}
