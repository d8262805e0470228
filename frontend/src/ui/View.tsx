import { useState } from 'react'
import type { ReactNode } from 'react'

import { ApiError } from '../api/client'

interface Props<T> {
  query: {
    data: T | undefined
    error: Error | null
    isFetching: boolean
    refetch: () => unknown
  }
  /** Rows of grey while loading: about what the data will take, so that nothing jumps. */
  lines?: number
  empty?: (data: T) => boolean
  /** Why there is nothing, and what makes something appear. */
  whyEmpty?: ReactNode
  children: (data: T) => ReactNode
}

/** The four states of every view: loading, error with what to do, empty with why, data. Old data outlives an error. */
export function View<T>({ query, lines = 4, empty, whyEmpty, children }: Props<T>) {
  const { data, refetch, isFetching } = query
  const error = useUnanswered(query)
  if (data !== undefined) {
    if (empty?.(data)) return <div className="note">{whyEmpty}</div>
    return children(data)
  }
  if (error) {
    return (
      <div className="note note-error" role="alert">
        <strong>{title(error)}</strong>
        <p>{advice(error)}</p>
        <button type="button" className="button" disabled={isFetching} onClick={() => void refetch()}>
          Try again
        </button>
      </div>
    )
  }
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} style={{ inlineSize: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  )
}

/** A question that is asked again has forgotten its error: that stands until there is an answer, so that nothing flickers. */
function useUnanswered({ data, error }: Pick<Props<unknown>['query'], 'data' | 'error'>): Error | null {
  const [kept, setKept] = useState<Error | null>(null)
  const next = data === undefined ? (error ?? kept) : null
  if (next !== kept) setKept(next)
  // What was refused may have been about something else than is asked now.
  return error ?? (next instanceof ApiError && next.status < 500 ? null : next)
}

function title(error: Error): string {
  if (!(error instanceof ApiError)) return 'The server cannot be reached.'
  if (error.status === 404) return 'There is no such thing.'
  return error.status === 503 ? 'Not available right now.' : 'The server could not answer.'
}

function advice(error: Error): string {
  if (!(error instanceof ApiError)) {
    return 'This page tries again by itself. If it lasts, check that the platform is running.'
  }
  // The id leads to a log line; what is missing has none.
  return error.id && error.status !== 404 ? `${error.message} (error ${error.id})` : error.message
}
