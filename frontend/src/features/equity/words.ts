export const WHY_EMPTY =
  'No minute has been valued yet. The broker writes one point per minute of market time once the first strategies have been evaluated.'
