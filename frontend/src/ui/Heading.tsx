import type { ReactNode } from 'react'

import { useMeaning } from '../api/meaning'

interface Props {
  /** The figure as the API names it: its formula is the tooltip. */
  metric?: string | undefined
  /** What else the tooltip says, of this place. */
  note?: string | undefined
  numeric?: boolean | undefined
  children: ReactNode
}

/** The heading of a column, with what its figure is. */
export function Heading({ metric, note, numeric, children }: Props) {
  const title = useMeaning()(metric, note)
  return (
    <th scope="col" className={numeric ? 'is-numeric' : undefined} title={title} tabIndex={title ? 0 : undefined}>
      {children}
    </th>
  )
}

/** The same in a list of names and values. */
export function Term({ metric, note, className, children }: Omit<Props, 'numeric'> & { className?: string }) {
  const title = useMeaning()(metric, note)
  return (
    <dt className={className} title={title} tabIndex={title ? 0 : undefined}>
      {children}
    </dt>
  )
}
