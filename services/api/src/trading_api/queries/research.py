"""Backtest runs and studies of the optimiser. Filters that are null do not filter."""

_RUN = """
SELECT id, created_at, strategies, assets, from_ts, to_ts, source, fidelity, code_hash, params_hash,
       {summary} AS summary
FROM trading_paper.backtest_runs
"""
# The list needs a few figures of a summary that holds every daily return of every part.
_BRIEF = """jsonb_build_object({pairs})::text""".format(
    pairs=", ".join(
        f"'{name}', summary -> '{name}'"
        for name in (
            "initial_capital",
            "final_equity",
            "days",
            "trades",
            "realised_pnl",
            "sharpe",
            "sortino",
            "max_drawdown",
            "win_rate",
            "profit_factor",
            "profit_factor_infinite",
            "expectancy",
            "avg_hold_s",
            "fees",
            "funding_pnl",
            "slippage_cost",
            "gross_pnl",
            "coverage",
        )
    )
)
RUNS = (
    _RUN.format(summary=_BRIEF)
    + """
WHERE ($1::text IS NULL OR $1 = ANY(strategies)) AND ($2::text IS NULL OR $2 = ANY(assets))
  AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC
LIMIT $4
"""
)
RUNS_BY_ID = _RUN.format(summary="summary::text") + "WHERE id = ANY($1::bigint[])"
EQUITY = "SELECT id, (equity -> 'rows')::text AS rows FROM trading_paper.backtest_runs WHERE id = ANY($1::bigint[])"
# One path for the whole page: `->` for each row would unpack the document each time.
TRADES = """
SELECT jsonb_array_length(trades) AS total,
       jsonb_path_query_array(trades, '$[$first to $last]',
                              jsonb_build_object('first', $2::bigint, 'last', $3::bigint))::text AS page
FROM trading_paper.backtest_runs WHERE id = $1
"""

_STUDY = """
SELECT s.id, s.created_at, s.updated_at, s.strategy, s.class_name, s.metric, s.search, s.seed, s.trials, s.assets,
       s.source, s.from_ts, s.to_ts, s.folds::text AS folds, s.params::text AS params, s.code_hash, s.params_hash,
       s.verdict, s.judgement::text AS judgement, s.best,
       (SELECT params::text FROM trading_paper.optimise_trials t WHERE t.study_id = s.id AND t.number = s.best)
           AS best_params,
       (SELECT count(*) FROM trading_paper.optimise_trials t WHERE t.study_id = s.id) AS done
FROM trading_paper.optimise_studies s
"""
STUDIES = (
    _STUDY
    + """
WHERE ($1::text IS NULL OR s.strategy = $1) AND ($2::bigint IS NULL OR s.id < $2)
ORDER BY s.id DESC
LIMIT $3
"""
)
STUDY = _STUDY + "WHERE s.id = $1"
TRIALS = """
SELECT number, params::text AS params, in_sample::text AS in_sample, out_of_sample::text AS out_of_sample, refused,
       failed
FROM trading_paper.optimise_trials WHERE study_id = $1 ORDER BY number LIMIT $2
"""
