import type { ReactNode } from 'react'

interface Props {
  title: string
  /** For a view whose figures speak for themselves: the heading is there for screen readers only. */
  quiet?: boolean
  children: ReactNode
}

/** The part of a view that changes with it; the shell moves the focus here when another view is opened. */
export function Page({ title, quiet = false, children }: Props) {
  return (
    <main id="main" tabIndex={-1} aria-label={title}>
      <h1 className={quiet ? 'unseen' : 'view-title'}>{title}</h1>
      {quiet ? children : <div className="stack">{children}</div>}
    </main>
  )
}
