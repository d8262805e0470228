import type { ReactNode } from 'react'

/** A dot in the colour of a state, and its word: nobody has to see the colour. */
export function Status({ look, title, children }: { look: string; title?: string; children: ReactNode }) {
  return (
    <span className={`status is-${look}`} title={title}>
      <span className="dot" aria-hidden="true" />
      {children}
    </span>
  )
}
