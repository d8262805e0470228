interface Props<T extends string> {
  label: string
  /** Value and words; the first one does not filter. */
  options: readonly (readonly [value: T, words: string])[]
  value: T
  onChange: (value: T) => void
}

/** One of many. */
export function Select<T extends string>({ label, options, value, onChange }: Props<T>) {
  return (
    <label className={`select ${value === options[0]?.[0] ? '' : 'is-set'}`}>
      <span>{label}</span>
      <select
        value={value}
        onChange={(event) => {
          const chosen = options.find(([each]) => each === event.target.value)
          if (chosen) onChange(chosen[0])
        }}
      >
        {options.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}
