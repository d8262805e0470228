import { useId } from 'react'

interface Props<T extends string> {
  label: string
  options: readonly T[]
  /** null: none of them is in force. */
  value: T | null
  onChange: (value: T) => void
}

/**
 * One of a few: radio buttons that look like a switch, so that arrow keys and screen readers know them.
 * Radio buttons of one name exclude each other on the whole page, so each choice has a name of its own.
 */
export function Choice<T extends string>({ label, options, value, onChange }: Props<T>) {
  const group = useId()
  return (
    <fieldset className="choice">
      <legend className="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option} className={option === value ? 'is-chosen' : ''}>
          <input
            type="radio"
            name={group}
            checked={option === value}
            onChange={() => {
              onChange(option)
            }}
          />
          {option}
        </label>
      ))}
    </fieldset>
  )
}
