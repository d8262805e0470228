import { useId } from 'react'
import type { ReactNode } from 'react'

interface Props {
  title: string
  /** Small text beside the title. */
  aside?: ReactNode
  /** Switches at the end of the title line. */
  tools?: ReactNode
  className?: string
  children: ReactNode
}

export function Panel({ title, aside, tools, className = '', children }: Props) {
  const id = useId()
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside ? <span className="panel-aside">{aside}</span> : null}
        {tools ? <div className="panel-tools">{tools}</div> : null}
      </header>
      {children}
    </section>
  )
}
