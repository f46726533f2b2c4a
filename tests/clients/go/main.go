// Runs the flows that are asked for, in this order, and names each that went well.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A client, or an API key, as its holder knows it.
type credentials struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

// The server, and what it has for us: JSON on standard input.
var world struct {
	Issuer   string                 `json:"issuer"`
	Resource string                 `json:"resource"`
	Key      credentials            `json:"key"`
	Clients  map[string]credentials `json:"clients"`
	// An issuer that a trust policy names, with its RSA key.
	Robots struct {
		Issuer string `json:"issuer"`
		KeyID  string `json:"kid"`
		PEM    string `json:"pem"`
	} `json:"robots"`
}

var flows = map[string]func(context.Context) error{
	"go_oidc":                goOIDC,
	"oauth2_proxy":           oauth2Proxy,
	"cap_jwt":                capJWT,
	"x_oauth2_header":        clientCredentials(oauth2.AuthStyleInHeader),
	"x_oauth2_body":          clientCredentials(oauth2.AuthStyleInParams),
	"x_oauth2_finds_out":     clientCredentials(oauth2.AuthStyleAutoDetect),
	"x_oauth2_jwt":           signedByRobot,
	"zitadel_introspection":  introspection,
	"zitadel_token_exchange": tokenExchange,
}

func main() {
	log.SetFlags(0)
	if err := json.NewDecoder(os.Stdin).Decode(&world); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, name := range os.Args[1:] {
		flow, known := flows[name]
		if !known {
			log.Fatalf("there is no flow %s", name)
		}
		if err := flow(ctx); err != nil {
			log.Fatalf("%s failed: %v", name, err)
		}
		fmt.Println(name)
	}
}

// The settings of a client that asks for a token of its own.
func configuration(of credentials, style oauth2.AuthStyle) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: of.ID, ClientSecret: of.Secret, AuthStyle: style,
		TokenURL:       world.Issuer + "/oauth2/token",
		Scopes:         []string{"read"},
		EndpointParams: map[string][]string{"resource": {world.Resource}},
	}
}

// An access token of the API key, signed by the default algorithm.
func keyToken(ctx context.Context) (string, error) {
	config := configuration(world.Key, oauth2.AuthStyleInHeader)
	token, err := config.Token(ctx)
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// The token with the first character of its signature changed.
func tampered(token string) string {
	dot := strings.LastIndex(token, ".")
	other := "A"
	if token[dot+1] == 'A' {
		other = "B"
	}
	return token[:dot+1] + other + token[dot+2:]
}

// Checks that a verifier takes the key's token and refuses that token when it is tampered with.
func verifies(ctx context.Context, verify func(token string) (subject string, err error)) error {
	token, err := keyToken(ctx)
	if err != nil {
		return err
	}
	subject, err := verify(token)
	if err != nil {
		return err
	}
	if expected := "key:" + world.Key.ID; subject != expected {
		return fmt.Errorf("the subject is %s, not %s", subject, expected)
	}
	if _, err := verify(tampered(token)); err == nil {
		return errors.New("a tampered token is taken")
	}
	return nil
}
