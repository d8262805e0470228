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
  const meaning = useMeaning()
  return (
    <th scope="col" className={numeric ? 'is-numeric' : undefined} title={meaning(metric, note)}>
      {children}
    </th>
  )
}

/** The same in a list of names and values. */
export function Term({ metric, note, className, children }: Omit<Props, 'numeric'> & { className?: string }) {
  const meaning = useMeaning()
  return (
    <dt className={className} title={meaning(metric, note)}>
      {children}
    </dt>
  )
}
