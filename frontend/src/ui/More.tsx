/** The next page of a list; nothing where there is none. */
export function More({ query, label }: { query: Pages; label: string }) {
  if (!query.hasNextPage) return null
  return (
    <p className="more">
      <button type="button" className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        {label}
      </button>
    </p>
  )
}

interface Pages {
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => Promise<unknown>
}
