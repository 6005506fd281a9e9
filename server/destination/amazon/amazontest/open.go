// SPDX-License-Identifier: MPL-2.0

package amazontest

import (
	"encoding/json"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Config is a destination's config by the names of its members.
type Config map[string]any

// Keys are the keys that the stand-in knows.
func Keys() Config { return Config{"access_key_id": KeyID, "secret_access_key": Secret} }

// And returns a config with further members; nil takes one away.
func (c Config) And(more Config) Config {
	all := maps.Clone(c)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// At returns the config with all of AWS at the stand-in.
func (c Config) At(a *AWS) Config {
	all := c.And(Config{"endpoint_url": a.URL})
	if c["role_arn"] != nil {
		all["sts_endpoint_url"] = a.URL
	}
	return all
}

// Open makes a sender as the server does. allowed are the networks it may reach beside the public ones; by default
// those where the stand-in is.
func Open(t testing.TB, typ destination.Type, config Config, allowed ...netip.Prefix) destination.Sender {
	t.Helper()
	if allowed == nil {
		allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	public, secrets, err := typ.Split(raw, nil)
	if err != nil {
		t.Fatalf("the config is not valid: %v", err)
	}
	client := outbound.New(outbound.Options{Allow: allowed})
	t.Cleanup(client.Close)
	sender, err := typ.Open(public, secrets, destination.Env{HTTP: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}
