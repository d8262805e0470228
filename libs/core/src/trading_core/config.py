"""`config.yaml` and its environment overrides, checked. Unknown keys and wrong types are refused by name.

`TRADING_<SECTION>__<KEY>` overrides a key (`TRADING_NATS__URL`); `TRADING_CONFIG` names another file.
Every default of the platform stands here; `config.yaml` repeats and explains them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from trading_core.broker.rules import CooldownAfter, Isolation, Levels, OppositeSignal, Sizing
from trading_core.config_problems import ENV_PREFIX, is_secret, sentences, unknown_variables
from trading_core.errors import ConfigError
from trading_core.model import INTERVALS_MS
from trading_core.secret_files import read_secret

DEFAULT_FILE = "config.yaml"
FILE_SUFFIX = "_FILE"
# What the file says, for the settings object that is being built from it.
_file_values: ContextVar[Mapping[str, Any] | None] = ContextVar("file_values", default=None)
log = structlog.get_logger()
Fraction = Annotated[Decimal, Field(ge=0, le=1)]
Asset = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,16}$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    """A server by its URL; a password that is kept apart is put into it, so that a reader needs the URL alone."""

    url: str
    password: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _url_has_the_password(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(password := values.get("password"), str):
            return values
        url = values.get("url", cls.model_fields["url"].default)
        return {**values, "url": ",".join(with_password(part, password) for part in str(url).split(","))}


def with_password(url: str, password: str) -> str:
    """`url` with the password of its user. ValueError when it names none."""
    parts = urlsplit(url.strip())
    login, _, host = parts.netloc.rpartition("@")
    if not login:
        raise ValueError("password needs a user in url, as in scheme://USER@host:port")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:{quote(password, safe='')}@{host}"))


class DatabaseConfig(Server):
    url: str = "postgresql://localhost:5432/trading"

    @property
    def has_password(self) -> bool:
        return bool(urlsplit(self.url).password)


class NatsConfig(Server):
    url: str = "nats://127.0.0.1:4222"


class SilenceConfig(Section):
    """Seconds of silence after which a channel of an asset counts as dead; `busy_s` for one that says much."""

    ctx_s: float = Field(8, gt=0)
    book_s: float = Field(8, gt=0)
    bbo_s: float = Field(60, gt=0)
    candle_s: float = Field(90, gt=0)
    trades_s: float = Field(120, gt=0)
    busy_s: float = Field(8, gt=0)


HttpUrl = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]
SocketUrl = Annotated[str, Field(pattern=r"^wss?://[^/\s]+")]


class HyperliquidConfig(Section):
    enabled: bool = True
    base_url: HttpUrl = "https://api.hyperliquid.xyz"
    ws_url: SocketUrl | None = None
    """Default: `base_url` with ws(s) and `/ws`."""
    simulated_clock: bool = False
    """True when the venue is `venue-sim`: venue time is then what its clock frames say."""
    poll_interval_s: int = Field(60, ge=1)
    lateness_ms: int = Field(1_500, ge=0)
    candle_wait_ms: int = Field(5_000, ge=0)
    backfill_hours: int = Field(24, ge=0, le=83)
    recheck_s: float = Field(60, gt=0)
    """How often the last closed candles are read again over REST, monotonic seconds."""
    rest_weight_per_minute: int = Field(1_200, ge=120)
    """The venue's limit of an address; less where other programs ask from it too. The dearest request costs 104."""
    silence: SilenceConfig = SilenceConfig()

    @property
    def websocket_url(self) -> str:
        return self.ws_url or self.base_url.replace("http", "ws", 1).rstrip("/") + "/ws"


class PolymarketConfig(Section):
    enabled: bool = False
    base_url: HttpUrl = "https://clob.polymarket.com"
    gamma_url: HttpUrl = "https://gamma-api.polymarket.com"
    ws_url: SocketUrl = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    simulated_clock: bool = False
    poll_interval_s: int = Field(60, ge=1)
    lateness_ms: int = Field(1_500, ge=0)
    kinds: tuple[Literal["5m", "15m", "1h", "4h", "1d", "price"], ...] = ("5m", "15m", "1h", "4h", "1d", "price")
    """Which markets are followed: up/down by the length of their window, and daily price levels."""
    subscribe_ahead_s: int = Field(300, ge=60)
    """How long before its window opens a market is subscribed."""
    silence_s: float = Field(30, gt=0)
    """Seconds without any market data after which a socket counts as dead."""
    book_check_s: int = Field(5, ge=1)
    """A book that was not found right for so long is compared with what REST shows."""
    tokens_per_socket: int = Field(200, ge=1, le=500)


class ExchangesConfig(Section):
    hyperliquid: HyperliquidConfig = HyperliquidConfig()
    polymarket: PolymarketConfig = PolymarketConfig()


class StrategyRules(Section):
    """What a strategy, a backtest or a person may override; unset keys keep the value of `broker:`."""

    sizing: Sizing | None = None
    stake_fraction: Fraction | None = None
    risk_fraction: Fraction | None = None
    fixed_quantity: Annotated[Decimal, Field(gt=0)] | None = None
    stop_loss: Fraction | None = None
    take_profit: Annotated[Decimal, Field(gt=0)] | None = None
    timeout_m: Annotated[int, Field(gt=0)] | None = None
    levels: Levels | None = None
    opposite_signal: OppositeSignal | None = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    cooldown_s: Annotated[int, Field(ge=0)] | None = None
    cooldown_after: CooldownAfter | None = None
    max_positions: Annotated[int, Field(ge=0)] | None = None
    max_exposure: Annotated[Decimal, Field(ge=0)] | None = None
    max_daily_loss: Fraction | None = None
    max_signal_age_s: Annotated[int, Field(ge=0)] | None = None
    max_mark_age_s: Annotated[int, Field(ge=0)] | None = None
    fill_model: Literal["fixed", "book"] | None = None
    slippage: Fraction | None = None
    max_book_age_s: Annotated[int, Field(ge=0)] | None = None
    stats_max_age_s: Annotated[int, Field(ge=0)] | None = None
    funding_max_age_h: Annotated[int, Field(ge=1)] | None = None

    def given(self) -> dict[str, Any]:
        """The broker's keys that were set, `null` included: `stop_loss: null` switches the stop off."""
        return {key: getattr(self, key) for key in sorted(self.model_fields_set - SnapshotConfig.model_fields.keys())}

    def input_limits(self) -> dict[str, int]:
        """The keys of section `snapshot` that were set: how old this strategy's inputs may be."""
        set_here = sorted(self.model_fields_set & SnapshotConfig.model_fields.keys())
        return {key: value for key in set_here if (value := getattr(self, key)) is not None}


class ExchangeRules(Section):
    fill_model: Literal["fixed", "book"] = "fixed"
    slippage: Fraction = Decimal("0.0005")
    taker_fee: Fraction | None = Decimal("0.0005")
    """None: the schedule of the market, which only prediction markets have."""
    maker_fee: Fraction = Decimal("0.0002")
    min_notional: Annotated[Decimal, Field(ge=0)] | None = Decimal(10)
    min_size: Annotated[Decimal, Field(ge=0)] | None = None
    fill_book_age_s: int = Field(10, ge=0)
    tick_size: Annotated[Decimal, Field(gt=0)] | None = None


class PolymarketRules(ExchangeRules):
    fill_model: Literal["fixed", "book"] = "book"
    slippage: Fraction = Decimal("0.005")
    taker_fee: Fraction | None = None
    maker_fee: Fraction = Decimal(0)
    min_notional: Annotated[Decimal, Field(ge=0)] | None = None
    min_size: Annotated[Decimal, Field(ge=0)] | None = Decimal(5)


class ExchangesRules(Section):
    hyperliquid: ExchangeRules = ExchangeRules()
    polymarket: PolymarketRules = PolymarketRules()

    @field_validator("hyperliquid")
    @classmethod
    def _has_a_fee(cls, value: ExchangeRules) -> ExchangeRules:
        if value.taker_fee is None:
            raise ValueError("taker_fee must be a number, got null: only prediction markets have a schedule of fees")
        return value


PortfolioName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
Capital = Annotated[Decimal, Field(gt=0)]


class PortfolioConfig(Section):
    """What one portfolio may say for itself; unset keys keep the value of `broker:` and `metrics:`."""

    initial_capital: Capital | None = None
    isolation: Isolation | None = None
    strategies: tuple[str, ...] | None = None
    """Which of the enabled strategies trade in it; None: all."""
    annualisation_days: Annotated[int, Field(ge=1, le=366)] | None = None


class BrokerConfig(Section):
    """The rule book's numbers; the meaning of each key is in `config.yaml`."""

    portfolio: PortfolioName = "default"
    """The portfolio that the dashboard shows and commands are about."""
    initial_capital: Capital = Decimal(10_000)
    isolation: Isolation = "shared"
    sizing: Sizing = "fraction"
    stake_fraction: Fraction = Decimal("0.02")
    risk_fraction: Fraction = Decimal("0.005")
    fixed_quantity: Annotated[Decimal, Field(gt=0)] | None = None
    stop_loss: Fraction | None = Decimal("0.02")
    take_profit: Annotated[Decimal, Field(gt=0)] | None = Decimal("0.04")
    timeout_m: Annotated[int, Field(gt=0)] | None = 60
    levels: Levels = "exact"
    opposite_signal: OppositeSignal = "reverse"
    min_confidence: float = Field(0.5, ge=0, le=1)
    cooldown_s: int = Field(300, ge=0)
    cooldown_after: CooldownAfter = "loss"
    max_positions: int = Field(3, ge=0)
    max_exposure: Annotated[Decimal, Field(ge=0)] = Decimal("0.50")
    max_daily_loss: Fraction = Decimal("0.01")
    max_signal_age_s: int = Field(30, ge=0)
    max_mark_age_s: int = Field(60, ge=0)
    suspect_pnl: Decimal = Field(Decimal("0.5"), ge=0)
    suspect_fill: Decimal = Field(Decimal("0.05"), ge=0)
    funding_interval_h: int = Field(1, ge=1, le=24)
    exchange_wait_ms: int = Field(15_000, ge=0)
    wait_ms: int = Field(10_000, ge=0)
    exchanges: ExchangesRules = Field(default_factory=ExchangesRules)


class SnapshotConfig(Section):
    max_book_age_s: int = Field(30, ge=0)
    stats_max_age_s: int = Field(600, ge=0)
    funding_max_age_h: int = Field(2, ge=1)


class MetricsConfig(Section):
    annualisation_days: int = Field(252, ge=1, le=366)


class RetentionConfig(Section):
    """Whole days in venue time that stay in Postgres; what is older is in the archive (but for evaluations)."""

    candles_1m_days: int = Field(30, ge=7)
    ticks_days: int = Field(14, ge=7)
    books_days: int = Field(7, ge=2)
    pass_retention_days: int = Field(30, ge=1)


class ArchiveConfig(Section):
    dir: str | None = None
    """None: beside the database that the platform brought up itself, else ./archive."""

    @property
    def folder(self) -> Path:
        return Path(self.dir or "archive")


class StrategyConfig(Section):
    """One strategy's own `config.yaml`, and its entry under `strategies:` which wins over it."""

    enabled: bool = False
    assets: tuple[Asset, ...] | None = None
    interval: str | None = None
    params: dict[str, Any] = {}
    rules: StrategyRules = StrategyRules()

    @field_validator("params", mode="before")
    @classmethod
    def _plain_text_is_yaml(cls, value: Any) -> Any:
        """A parameter from the environment is text; it reads as it would in the file: `10` is a number."""
        if not isinstance(value, dict):
            return value
        return {key: yaml.safe_load(item) if isinstance(item, str) else item for key, item in value.items()}

    @field_validator("interval")
    @classmethod
    def _known_interval(cls, value: str | None) -> str | None:
        if value is not None and value not in INTERVALS_MS:
            raise ValueError(f"must be one of {', '.join(INTERVALS_MS)}")
        return value


class RunnerConfig(Section):
    strategies_dir: str = "strategies"
    deadline_ms: int = Field(250, ge=50, le=10_000)
    """An evaluation that takes longer fails; ten times what a slow one needs."""
    memory_mb: int = Field(1_024, ge=64)
    """What strategies may allocate on top of what the runner has when it starts them."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ApiConfig(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    frontend_dir: str = "frontend/dist"
    data_notice: str = ""
    """Shown as a banner on every page: where the market data comes from when it is not live."""
    control_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """What requests to steer the broker must carry; None: the API cannot. From the environment, never from a file."""
    read_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    open_read: bool | None = None
    """Whether reading needs no token; None: while only this machine can connect to `host`."""
    origins: tuple[str, ...] = ()
    """Other pages, as scheme://host:port, that may read through a browser."""
    read_rate: float | None = Field(20, gt=0)
    read_burst: int = Field(200, ge=1)
    control_rate: float | None = Field(2, gt=0)
    control_burst: int = Field(10, ge=1)
    sockets: int = Field(50, ge=1)
    answers_kept_s: float = Field(1, ge=0, le=60)
    """So long an equal request gets the same answer, unless the ledger changes meanwhile."""

    @property
    def reads_openly(self) -> bool:
        return is_loopback(self.host) if self.open_read is None else self.open_read

    @field_validator("origins")
    @classmethod
    def _named_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if origin != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in ("http", "https") or "*" in origin:
                raise ValueError("must be scheme://host:port each, without a path and never *")
        return value


class LoggingConfig(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class _Environment(EnvSettingsSource):
    """`TRADING_<SECTION>__<KEY>_FILE` names a file that holds the value: how containers are given secrets."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        values = dict(super()._load_env_vars())
        for name, file in os.environ.items():
            if name.startswith(ENV_PREFIX) and "__" in name and name.endswith(FILE_SUFFIX):
                plain = name.removesuffix(FILE_SUFFIX)
                del values[name.lower()]
                if plain in os.environ:
                    raise ConfigError(f"{plain} and {name} are both set. Unset one of them.")
                values[plain.lower()] = read_secret(Path(file), name)
        return values


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        env_parse_none_str="null",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    assets: Annotated[tuple[Asset, ...], NoDecode] = ("BTC", "ETH", "SOL")
    exchanges: ExchangesConfig = ExchangesConfig()
    database: DatabaseConfig = DatabaseConfig()
    nats: NatsConfig = NatsConfig()
    broker: BrokerConfig = Field(default_factory=BrokerConfig)
    portfolios: dict[PortfolioName, PortfolioConfig] = {}
    """None named: one, by the name of `broker.portfolio`, of every enabled strategy."""
    snapshot: SnapshotConfig = SnapshotConfig()
    metrics: MetricsConfig = MetricsConfig()
    retention: RetentionConfig = RetentionConfig()
    archive: ArchiveConfig = ArchiveConfig()
    strategies: dict[str, StrategyConfig] = {}
    runner: RunnerConfig = RunnerConfig()
    api: ApiConfig = ApiConfig()
    logging: LoggingConfig = LoggingConfig()

    @field_validator("assets", mode="before")
    @classmethod
    def _split_assets(cls, value: Any) -> Any:
        """`TRADING_ASSETS=BTC,ETH` as well as a YAML or JSON list."""
        return value.strip(" []").replace('"', "").replace(" ", "").split(",") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_assets(self) -> Settings:
        if not self.assets or len(set(self.assets)) != len(self.assets):
            raise ValueError("assets must name at least one asset, each once")
        return self

    @property
    def every_portfolio(self) -> dict[PortfolioName, PortfolioConfig]:
        """Those under `portfolios`, else the one there is without any."""
        return self.portfolios or {self.broker.portfolio: PortfolioConfig()}

    @model_validator(mode="after")
    def _shows_a_portfolio(self) -> Settings:
        shown = self.broker.portfolio
        if self.portfolios and shown not in self.portfolios:
            names = ", ".join(self.portfolios)
            raise ValueError(f"broker.portfolio must be one of those under portfolios ({names}), got {shown}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            _Environment(settings_cls),
            InitSettingsSource(settings_cls, dict(_file_values.get() or {})),
        )


def load(path: str | Path | None = None, **overrides: Any) -> Settings:
    """The settings of `path`, else of TRADING_CONFIG, else of ./config.yaml, else the defaults.

    `overrides` win over the environment, the environment over the file, the file over the defaults.
    ConfigError with one sentence for each wrong key, none left out.
    """
    file = _file(path)
    values = _read(file) if file else {}
    if unknown := unknown_variables(os.environ, Settings.model_fields):
        raise ConfigError("\n".join(unknown))
    token = _file_values.set(values)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise ConfigError("\n".join(sentences(error, str(file or DEFAULT_FILE), os.environ, Settings))) from error
    except SettingsError as error:
        raise ConfigError(
            f"A variable {ENV_PREFIX}… cannot be read: {error}. Lists and objects are written as JSON."
        ) from error
    finally:
        _file_values.reset(token)
    for section, key in _secrets_in(values):
        log.warning(
            "password_found_in_file",
            file=str(file),
            key=f"{section}.{key}",
            advice=f"take it out of the file and set {ENV_PREFIX}{section.upper()}__{key.upper()} instead",
        )
    return settings


def _secrets_in(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the file that hold what belongs in the environment."""
    for section in ("database", "nats", "api"):
        given = values.get(section)
        for key, value in given.items() if isinstance(given, dict) else ():
            if value is not None and (is_secret(key) or (key == "url" and urlsplit(str(value)).password)):
                yield section, key


def _file(path: str | Path | None) -> Path | None:
    chosen = path or os.environ.get(f"{ENV_PREFIX}CONFIG")
    if chosen is None:
        return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None
    if not Path(chosen).is_file():
        origin = "" if path else f" (from {ENV_PREFIX}CONFIG)"
        raise ConfigError(f"{chosen}{origin}: no such file. Name an existing one, or none to use ./{DEFAULT_FILE}.")
    return Path(chosen)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: must hold sections (`nats:`, `broker:` …), got {type(content).__name__}.")
    return {str(key): value for key, value in content.items()}
