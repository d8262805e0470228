import type { ComponentProps, ReactNode } from 'react'

import { CsvButton } from './CsvButton'
import { More } from './More'
import { Panel } from './Panel'
import { Table } from './Table'
import { View } from './View'
import type { CsvColumn } from './csv'

interface Props<Row> extends Omit<ComponentProps<typeof Table<Row>>, 'rows'> {
  title: string
  aside?: ReactNode
  /** Filters, before the button that saves the rows. */
  filters?: ReactNode
  className?: string
  query: Omit<ComponentProps<typeof View<readonly Row[]>>['query'], 'data'>
  /** Those that are loaded; undefined while none is. */
  rows: readonly Row[] | undefined
  /** About as many rows of grey while loading. */
  lines?: number
  whyEmpty: ReactNode
  file: { name: string; columns: readonly CsvColumn<Row>[] }
  /** Of the button for the next page, and where it comes from. */
  more?: { label: string; pages: ComponentProps<typeof More>['query'] }
  /** Below the table. */
  children?: ReactNode
}

/** A list as a panel: filters, a file of its rows, the four states, a table, more of it. */
export function ListPanel<Row>({
  title, aside, filters, className, query, rows, lines = 5, whyEmpty, file, more, children, ...table
}: Props<Row>) {
  return (
    <Panel
      title={title}
      aside={aside}
      {...(className === undefined ? {} : { className })}
      tools={
        <>
          {filters}
          <CsvButton name={file.name} columns={file.columns} rows={rows} />
        </>
      }
    >
      <View query={{ ...query, data: rows }} lines={lines} empty={(found) => found.length === 0} whyEmpty={whyEmpty}>
        {(found) => <Table {...table} rows={found} />}
      </View>
      {more ? <More query={more.pages} label={more.label} /> : null}
      {children}
    </Panel>
  )
}
