// SPDX-License-Identifier: MPL-2.0

package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is every setting of the server. Each has a flag, an environment variable and a key in the YAML file (the
// flag's name with underscores); the tags hold them, the default and the text shown to people. A zero member takes the
// default.
type Config struct {
	Listen          string        `name:"listen" env:"ALERTROUTER_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on, host:port; port 0 picks a free one."`
	Data            string        `name:"data" env:"ALERTROUTER_DATA" default:"./alertrouter-data" help:"Directory for the store, the master key and the first admin token."`
	Store           string        `name:"store" env:"ALERTROUTER_STORE" default:"bolt" help:"Where state is kept: bolt, a file in the data directory."`
	MasterKeyFile   string        `name:"master-key-file" env:"ALERTROUTER_MASTER_KEY_FILE" help:"File with the key that seals secrets, 32 bytes in base64. Made in the data directory when neither this nor ALERTROUTER_MASTER_KEY (the key itself) is set."`
	AllowNetworks   []string      `name:"allow-network" env:"ALERTROUTER_ALLOW_NETWORKS" placeholder:"CIDR" help:"Network that destinations may reach although it is not public; may be repeated (comma-separated in the environment)."`
	TLSCert         string        `name:"tls-cert" env:"ALERTROUTER_TLS_CERT" help:"File with the certificate chain to serve TLS with."`
	TLSKey          string        `name:"tls-key" env:"ALERTROUTER_TLS_KEY" help:"File with the certificate's private key."`
	TLSClientCA     string        `name:"tls-client-ca" env:"ALERTROUTER_TLS_CLIENT_CA" help:"File with the CA that clients' certificates must come from."`
	PublicURL       string        `name:"public-url" env:"ALERTROUTER_PUBLIC_URL" help:"Base URL under which people reach this server; alerts that bring no link get one below it."`
	BacklogLimit    int64         `name:"backlog-limit" env:"ALERTROUTER_BACKLOG_LIMIT" default:"1000000" help:"Open deliveries at which no more alerts are accepted."`
	DeliveryMaxAge  time.Duration `name:"delivery-max-age" env:"ALERTROUTER_DELIVERY_MAX_AGE" default:"24h" help:"How old a delivery may get before it is given up."`
	Retention       time.Duration `name:"retention" env:"ALERTROUTER_RETENTION" default:"30d" help:"How long an alert is kept after it was accepted, with its deliveries; one that is still owed stays until it is not. Its alert_id is remembered for as long."`
	ShutdownTimeout time.Duration `name:"shutdown-timeout" env:"ALERTROUTER_SHUTDOWN_TIMEOUT" default:"30s" help:"How long stopping may wait for requests and attempts under way."`
	LogLevel        string        `name:"log-level" env:"ALERTROUTER_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"The least important messages to log: debug, info, warn or error."`
	LogFormat       string        `name:"log-format" env:"ALERTROUTER_LOG_FORMAT" default:"auto" enum:"auto,text,json" help:"text or json; auto is text on a terminal and JSON elsewhere."`

	// Secrets come from the environment only: a command line can be read by everybody on the machine.
	AdminToken secret.String `kong:"-"` // ALERTROUTER_ADMIN_TOKEN: the first admin token, at the first start
	MasterKey  secret.String `kong:"-"` // ALERTROUTER_MASTER_KEY

	Version string           `kong:"-"` // of this build, for the log and the user agent
	Log     *slog.Logger     `kong:"-"` // instead of the one LogLevel and LogFormat describe
	Now     func() time.Time `kong:"-"` // the clock; nil is time.Now
}

// SecretsFromEnvironment fills in the settings that only the environment has.
func (c *Config) SecretsFromEnvironment() {
	c.AdminToken = secret.New(strings.TrimSpace(os.Getenv("ALERTROUTER_ADMIN_TOKEN"))) // a mounted secret ends in a line break
	c.MasterKey = secret.New(os.Getenv("ALERTROUTER_MASTER_KEY"))
}

// fillDefaults gives zero members the default in their tag.
func (c *Config) fillDefaults() {
	v := reflect.ValueOf(c).Elem()
	for f, field := range v.Fields() {
		text := f.Tag.Get("default")
		if text == "" || !field.IsZero() {
			continue
		}
		switch field.Interface().(type) {
		case time.Duration:
			d, _ := ParseDuration(text) // a test reads every default
			field.SetInt(int64(d))
		case int64:
			n, _ := strconv.ParseInt(text, 10, 64)
			field.SetInt(n)
		case string:
			field.SetString(text)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Version == "" {
		c.Version = "dev"
	}
}

// ParseDuration reads a duration as settings have it: as time.ParseDuration does, and with days, such as 30d or 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(days, "-"), 10, 64)
	const most = uint64(math.MaxInt64 / (24 * time.Hour))
	if err != nil || n > most {
		return 0, fmt.Errorf("%q is no duration such as 30d, 36h or 1d12h", text)
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more >= 24*time.Hour || strings.HasPrefix(rest, "+") {
			return 0, fmt.Errorf("%q is no duration such as 30d, 36h or 1d12h: less than a day may follow the days", text)
		}
		if d += more; d < 0 {
			return 0, fmt.Errorf("%q is too long a duration", text)
		}
	}
	if strings.HasPrefix(days, "-") {
		d = -d
	}
	return d, nil
}

// settings are the parts of a Config that had to be read.
type settings struct {
	allow     []netip.Prefix
	publicURL string // without a slash at its end
}

// minTokenLength is how long an admin token has to be that somebody made up, in bytes.
const minTokenLength = 16

// read checks the settings that have a form of their own; it reports every wrong one.
func (c *Config) read() (settings, error) {
	var s settings
	var errs []error
	for _, text := range c.AllowNetworks {
		p, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("--allow-network %q is not a network such as 10.0.0.0/8", text))
		}
		s.allow = append(s.allow, p)
	}
	if c.Store != "bolt" {
		errs = append(errs, fmt.Errorf("--store %q is not a store this build has; there is: bolt", redactURL(c.Store)))
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("--public-url %q is not a URL such as https://alerts.example.com", c.PublicURL))
	}
	s.publicURL = strings.TrimRight(c.PublicURL, "/")
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || !isPort(port) {
		errs = append(errs, fmt.Errorf("--listen %q is not an address such as 127.0.0.1:8080", c.Listen))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, errors.New("--tls-cert and --tls-key belong together: set both or neither"))
	}
	if c.TLSClientCA != "" && c.TLSCert == "" {
		errs = append(errs, errors.New("--tls-client-ca needs --tls-cert and --tls-key"))
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"--delivery-max-age", c.DeliveryMaxAge}, {"--retention", c.Retention}, {"--shutdown-timeout", c.ShutdownTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative", d.flag))
		}
	}
	if c.AdminToken.IsSet() && len(c.AdminToken.Reveal()) < minTokenLength {
		errs = append(errs, fmt.Errorf("ALERTROUTER_ADMIN_TOKEN has fewer than %d characters: it could be guessed", minTokenLength))
	}
	if c.BacklogLimit < 0 {
		errs = append(errs, errors.New("--backlog-limit must not be negative"))
	}
	if len(errs) > 0 {
		return s, fmt.Errorf("%w: %w", ErrSettings, errors.Join(errs...))
	}
	return s, nil
}

// ErrSettings marks errors in what a Config says: bad usage, not a failure.
var ErrSettings = errors.New("the settings are wrong")

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// parseNetwork reads a CIDR, or a single address.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// redactURL hides the password a store's URL may hold.
func redactURL(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Redacted()
	}
	return text
}

func (c *Config) logger() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the flag allows only levels
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" || c.LogFormat == "auto" && isTerminal(os.Stderr) {
		return slog.New(slog.NewTextHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, opts))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
