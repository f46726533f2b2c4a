// Verifiers with their default settings, told nothing but the issuer and the audience.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/hashicorp/cap/jwt"
	"github.com/oauth2-proxy/oauth2-proxy/v7/pkg/apis/middleware"
	"github.com/oauth2-proxy/oauth2-proxy/v7/pkg/logger"
	proxyoidc "github.com/oauth2-proxy/oauth2-proxy/v7/pkg/providers/oidc"
)

// go-oidc takes the algorithms from the metadata.
func goOIDC(ctx context.Context) error {
	provider, err := oidc.NewProvider(ctx, world.Issuer)
	if err != nil {
		return err
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: world.Resource})
	return verifies(ctx, func(token string) (string, error) {
		verified, err := verifier.Verify(ctx, token)
		if err != nil {
			return "", err
		}
		return verified.Subject, nil
	})
}

// oauth2-proxy with `--skip-jwt-bearer-tokens`: its own discovery and verifier, and what makes a
// session of a bearer token. Its middleware around them would bring the libraries of every provider.
// The resource is the client id, or one of `--oidc-extra-audience`.
func oauth2Proxy(ctx context.Context) error {
	logger.SetOutput(os.Stderr)
	provider, err := proxyoidc.NewProviderVerifier(ctx, proxyoidc.ProviderVerifierOptions{
		IssuerURL: world.Issuer, ClientID: world.Resource, AudienceClaims: []string{"aud"},
	})
	if err != nil {
		return err
	}
	session := middleware.CreateTokenToSessionFunc(
		provider.Verifier().Verify, middleware.SessionClaimMapping{})
	return verifies(ctx, func(token string) (string, error) {
		made, err := session(ctx, token)
		if err != nil {
			return "", err
		}
		return made.User, nil
	})
}

// What Vault's JWT authentication is built of: a key set by discovery. It is told the algorithm, as
// Vault is by `jwt_supported_algs`; its default is RS256.
func capJWT(ctx context.Context) error {
	keys, err := jwt.NewOIDCDiscoveryKeySet(ctx, world.Issuer, "")
	if err != nil {
		return err
	}
	validator, err := jwt.NewValidator(keys)
	if err != nil {
		return err
	}
	expected := jwt.Expected{
		Issuer: world.Issuer, Audiences: []string{world.Resource},
		SigningAlgorithms: []jwt.Alg{jwt.ES256},
	}
	return verifies(ctx, func(token string) (string, error) {
		claims, err := validator.Validate(ctx, token, expected)
		if err != nil {
			return "", err
		}
		subject, isText := claims["sub"].(string)
		if !isText {
			return "", errors.New("there is no sub")
		}
		return subject, nil
	})
}
