"""Settings: where a value comes from, which source wins, and what a mistake is answered with."""

from pathlib import Path

import pytest

from calotype.app.compression_rules import rules_of
from calotype.app.loading import load
from calotype.app.settings import DEFAULT_LISTENERS, Settings
from calotype.app.showing import effective, template
from calotype.errors import CalotypeError


def write(folder: Path, text: str) -> Path:
    path = folder / "calotype.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_the_documented_ports_and_ae_titles(tmp_path):
    settings = load(environ={}, folder=tmp_path).settings
    assert [(item.port, item.ae_titles) for item in settings.listeners] == [
        (11112, ("CALOTYPE", "STORESCP")),
        (11113, ("WORKLISTSCP",)),
        (11114, ("QRSCP",)),
        (11115, ("PRINTSCP",)),
    ]
    assert (settings.http.bind, settings.http.port) == ("127.0.0.1", 5000)
    assert settings.storage.path == tmp_path / "data"


def test_later_sources_win_key_by_key(tmp_path):
    write(tmp_path, "[http]\nport = 1\nthreads = 3\n[dicom]\nidle_s = 5\n")
    loaded = load(
        environ={"CALOTYPE__HTTP__PORT": "2", "CALOTYPE__DICOM__IDLE_S": "6"},
        flags={"http.port": "3"},
        folder=tmp_path,
    )
    assert (loaded.settings.http.port, loaded.settings.http.threads, loaded.settings.dicom.idle_s) == (3, 3, 6.0)
    assert loaded.sources == {
        "http.port": "--set",
        "http.threads": str(tmp_path / "calotype.toml"),
        "dicom.idle_s": "CALOTYPE__DICOM__IDLE_S",
    }


def test_paths_in_a_file_are_relative_to_the_file(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    path = write(folder, '[storage]\npath = "images"\n')
    assert load(path, environ={}, folder=tmp_path).settings.storage.path == folder / "images"


def test_an_environment_index_changes_one_listener_and_keeps_the_others(tmp_path):
    environ = {"CALOTYPE__LISTENERS__0__PORT": "104", "CALOTYPE__LISTENERS__0__AE_TITLES": "PACS, PACS2"}
    listeners = load(environ=environ, folder=tmp_path).settings.listeners
    assert (listeners[0].port, listeners[0].ae_titles) == (104, ("PACS", "PACS2"))
    assert listeners[1:] == DEFAULT_LISTENERS[1:]


def test_a_secret_may_come_from_a_file_and_is_masked(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    loaded = load(environ={"CALOTYPE__LISTENERS__0__TLS__KEY_PASSWORD_FILE": str(secret)}, folder=tmp_path)
    assert loaded.settings.listeners[0].tls.key_password == "open sesame"
    shown = {key: value for key, value, _ in effective(loaded)}
    assert shown["listeners.0.tls.key_password"] == '"********"'
    assert "open sesame" not in str(shown)


def test_a_setting_whose_own_name_ends_in_file_is_not_read_from_a_file(tmp_path):
    key = tmp_path / "pseudonyms.key"
    settings = load(environ={"CALOTYPE__ANONYMISE__KEY_FILE": str(key)}, folder=tmp_path).settings
    assert settings.anonymise.key_file == key


def test_an_empty_string_unsets_an_optional_path(tmp_path):
    write(tmp_path, '[logging]\nfile = "x.log"\n')
    assert load(environ={"CALOTYPE__LOGGING__FILE": ""}, folder=tmp_path).settings.logging.file is None


@pytest.mark.parametrize(
    ("text", "environ", "told"),
    [
        ("[dicom]\nae_titel = 'X'\n", {}, "unknown setting 'dicom.ae_titel'; did you mean 'ae_title'?"),
        ("[[listeners]]\nprot = 1\n", {}, "unknown setting 'listeners.0.prot'; did you mean 'port'?"),
        ("[http]\nport = 'x'\n", {}, "http.port: Input should be a valid integer"),
        ("[http\n", {}, "calotype.toml"),
        (
            "",
            {"CALOTYPE__HTTP__PORTT": "1"},
            "CALOTYPE__HTTP__PORTT: unknown setting 'http.portt'; did you mean 'port'?",
        ),
        ("", {"CALOTYPE__HTTP__PORT": "-1"}, "-1 is no TCP port"),
        ("", {"CALOTYPE__HTTP": "1"}, "CALOTYPE__HTTP: http"),
        ("", {"CALOTYPE__HTTP__PORT__X": "1"}, "there is no setting below http.port"),
        ("", {"CALOTYPE__LISTENERS__9__PORT": "1"}, "9 is no place in a list of 4; the next free one is 4"),
        ("", {"CALOTYPE__LISTENERS__0__PORT": "11113"}, "11113 is used by listeners.0 too"),
        ("", {"CALOTYPE__LISTENERS__0__AE_TITLES": "ABCDEFGHIJKLMNOPQ"}, "no AE title; give 1 to 16 ASCII"),
        ("", {"CALOTYPE__LISTENERS__0__PEERS": "10.0.0.0/99"}, "listeners.0.peers"),
        ("", {"CALOTYPE__LISTENERS__0__SERVICES": "storage,fly"}, "listeners.0.services.1"),
        ("", {"CALOTYPE__LISTENERS__0__TLS__KEY_PASSWORD_FILE": "/nowhere"}, "/nowhere cannot be read"),
        ("", {"CALOTYPE__STORAGE__DUPLICATES": "maybe"}, "storage.duplicates: Input should be 'keep-if-identical'"),
        ("", {"CALOTYPE__NODES__0__AE_TITLE": "X"}, "nodes.0: give host and port (1 to 65535) of X"),
        ("", {"CALOTYPE__JOBS__WORKERS": "0"}, "jobs.workers: give 1 to 256"),
        ("", {"CALOTYPE__JOBS__RETRY_FIRST_S": "inf"}, "jobs.retry_first_s: give seconds above 0"),
        ("", {"CALOTYPE__JOBS__KEEP_DAYS": "nan"}, "jobs.keep_days: give 0 to"),
        ("", {"CALOTYPE__RECYCLING__KEEP_DAYS": "-1"}, "recycling.keep_days: give 0 to"),
        ("", {"CALOTYPE__CHANGES__STABLE_S": "0"}, "changes.stable_s: give 1 to"),
        ("", {"CALOTYPE__CHANGES__KEEP": "10"}, "changes.keep: give 1000 to"),
        ("", {"CALOTYPE__HTTP__TRUSTED_PROXIES": "10.0.0.0/99"}, "http.trusted_proxies: '10.0.0.0/99'"),
        ("", {"CALOTYPE__HTTP__PUBLIC_URL": "pacs.example"}, "http.public_url: 'pacs.example'; give a URL"),
        ("", {"CALOTYPE__HTTP__ROOT_PATH": "pacs"}, "http.root_path: 'pacs'; give a path"),
        ("", {"CALOTYPE__HTTP__CORS_ORIGINS": "viewer.example"}, "http.cors_origins: 'viewer.example'; give scheme"),
        (
            "",
            {"CALOTYPE__HTTP__CORS_ORIGINS": "*", "CALOTYPE__HTTP__CORS_CREDENTIALS": "true"},
            "http.cors_credentials: not with *",
        ),
        ("", {"CALOTYPE__HTTP__ACCESS__LOGIN": "maybe"}, "http.access.login: Input should be 'required' or 'off'"),
        (
            "",
            {"CALOTYPE__HTTP__ACCESS__LOGIN": "off", "CALOTYPE__HTTP__BIND": "0.0.0.0"},
            "http.access.login: off only where http.bind is this machine's own address (127.0.0.1), not 0.0.0.0",
        ),
        ("", {"CALOTYPE__HTTP__ACCESS__ADMIN_PASSWORD": "admin"}, "http.access.admin_password: A password has 10"),
        ("", {"CALOTYPE__HTTP__ACCESS__IDLE_MINUTES": "0"}, "http.access.idle_minutes: give minutes above 0"),
        ("", {"CALOTYPE__HTTP__ACCESS__SESSION_HOURS": "nan"}, "http.access.session_hours: give hours above 0"),
        ("", {"CALOTYPE__COMPRESSION__WORKERS": "0"}, "compression.workers: give 1 to 256"),
        ("", {"CALOTYPE__COMPRESSION__DELAY_S": "-1"}, "compression.delay_s: give seconds from 0"),
        ("", {"CALOTYPE__COMPRESSION__TRANSFER_SYNTAX": "ZIP"}, "compression: 'ZIP' names no compressed transfer"),
        ("", {"CALOTYPE__COMPRESSION__TRANSFER_SYNTAX": "JPEG2000Lossy"}, "which must be allowed on purpose"),
        ("[[compression.rules]]\nnear = 0\n", {}, "compression.rules.0.near: give 1 to 255"),
        ("[[compression.rules]]\npeers = ['10.0.0.0/99']\n", {}, "compression.rules.0: '10.0.0.0/99'"),
        ("[[compression.rules]]\nkeep_original = false\n", {}, "originals that were committed to must be kept"),
        ("", {"CALOTYPE_CONFIG": "/nowhere.toml"}, "calotype init"),
        ("", {"CALOTYPE_CONFIG": "/"}, "settings file / is a folder"),
        ("", {"CALOTYPE__LISTENERS__0__TLS__KEY_PASSWORD_FILE": "/"}, "/ cannot be read (Is a directory)"),
        ("storage = 3\n", {}, "storage: give a section with settings in it, under [storage]"),
        ("[[storage]]\npath = 'x'\n", {}, "storage: give a section with settings in it, under [storage]"),
        ("[listeners]\nport = 3\n", {}, "listeners: give a list, in brackets; of sections in the file"),
        ("[[listeners]]\nae_titles = 'X'\n", {}, "listeners.0.ae_titles: give a list, in brackets"),
        ("[dicom]\nae_title = 3\n", {}, "dicom.ae_title: give text, in quotes"),
        ("", {"CALOTYPE__STORAGE__MIN_FREE_MIB": "-5"}, "storage.min_free_mib: give 0 to"),
        ("", {"CALOTYPE__STORAGE__LAYOUT": "{Foo}"}, "storage.layout: the layout '{Foo}' cannot be used"),
        ("", {"CALOTYPE__DICOM__ARTIM_S": "nan"}, "dicom.artim_s: give seconds above 0"),
        ("", {"CALOTYPE__DICOM__IDLE_S": "inf"}, "dicom.idle_s: give seconds above 0"),
        ("", {"CALOTYPE__DICOM__NETWORK_S": "1e300"}, "dicom.network_s: give seconds above 0"),
        ("", {"CALOTYPE__DICOM__DRAIN_S": "-1"}, "dicom.drain_s: give 0 to"),
        ("", {"CALOTYPE__DICOM__DRAIN_S": "nan"}, "dicom.drain_s: give 0 to"),
        ("", {"CALOTYPE__DICOM__TRANSFER_SYNTAXES": "1.2.3"}, "dicom.transfer_syntaxes: '1.2.3' is no transfer"),
        ("", {"CALOTYPE__HTTP__THREADS": "0"}, "http.threads: give 1 to"),
        ("", {"CALOTYPE__HTTP__MAX_PARTS": "0"}, "http.max_parts: give 1 to"),
        ("", {"CALOTYPE__PIXELS__CACHE_MIB": "-1"}, "pixels.cache_mib: give 0 to"),
        ("", {"CALOTYPE__PIXELS__ISOLATION_S": "-4"}, "pixels.isolation_s: give 1 to"),
        ("", {"CALOTYPE__LISTENERS__1__MAX_ASSOCIATIONS": "0"}, "listeners.1.max_associations: give 1 to"),
        ("", {"CALOTYPE__LISTENERS__0__MAX_ASSOCIATIONS_PER_PEER": "-1"}, "max_associations_per_peer: give 1 to"),
        (
            "[[nodes]]\nae_title = 'X'\nhost = 'x'\ndimse_s = -1\n",
            {},
            "nodes.0.dimse_s: give 0 to",
        ),
        ("[[anonymise.regions]]\nrows = -1\n", {}, "anonymise.regions.0.rows: give 0 to"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path, text, environ, told):
    write(tmp_path, text)
    with pytest.raises(CalotypeError) as caught:
        load(environ=environ, folder=tmp_path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_template_is_valid_and_changes_nothing(tmp_path):
    write(tmp_path, template())
    assert load(environ={}, folder=tmp_path).settings == load(environ={}, folder=tmp_path, file=None).settings
    uncommented = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and (" = " in line or "[[" in line) else line
        for line in template().splitlines()
        if not (line.startswith("# ") and "Repeat the block" in line)
    )
    path = tmp_path / "full.toml"
    path.write_text(uncommented.partition("[[nodes]]")[0])
    defaults = Settings()
    full = load(path, environ={}, folder=tmp_path).settings
    assert (full.dicom, full.http, full.listeners) == (defaults.dicom, defaults.http, defaults.listeners)


def test_rules_of_compression_come_from_the_file(tmp_path):
    write(
        tmp_path,
        """
        [compression]
        enabled = true
        transfer_syntax = ""
        [[compression.rules]]
        calling_ae_titles = ["CT1"]
        modalities = ["CT"]
        transfer_syntax = "JPEGLSLossless"
        [[compression.rules]]
        peers = ["10.1.2.3"]
        transfer_syntax = "JPEG2000Lossy"
        lossy = true
        psnr_db = 60
        """,
    )
    first, second, rest = rules_of(load(environ={}, folder=tmp_path).settings).rules
    assert (first.target, first.lossy, first.modalities) == ("1.2.840.10008.1.2.4.80", None, {"CT"})
    assert (second.target, second.lossy.psnr_db) == ("1.2.840.10008.1.2.4.91", 60)
    assert [str(peer) for peer in second.peers] == ["10.1.2.3/32"]
    assert rest.target is None
