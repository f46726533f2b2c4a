// Programs that ask for tokens, and for what a token is worth.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/client/tokenexchange"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// golang.org/x/oauth2 asks as a client and by an API key. Left to find out, it tries the header
// first.
func clientCredentials(style oauth2.AuthStyle) func(context.Context) error {
	return func(ctx context.Context) error {
		client := world.Clients["basic"]
		if style == oauth2.AuthStyleInParams {
			client = world.Clients["post"]
		}
		for _, who := range []credentials{client, world.Key} {
			config := configuration(who, style)
			token, err := config.Token(ctx)
			if err != nil {
				return err
			}
			if token.Type() != "Bearer" || !token.Valid() || token.Extra("scope") != "read" {
				return fmt.Errorf("this is no token to use: %v", token.Extra("scope"))
			}
		}
		return nil
	}
}

// golang.org/x/oauth2/jwt signs assertions by RS256 without a jti: the trust policy takes a token
// more than once. Its audience is the issuer, which it has to be told.
func signedByRobot(ctx context.Context) error {
	config := jwt.Config{
		Email: world.Robots.Issuer, Subject: "robot",
		PrivateKey: []byte(world.Robots.PEM), PrivateKeyID: world.Robots.KeyID,
		TokenURL: world.Issuer + "/oauth2/token", Audience: world.Issuer,
	}
	token, err := config.TokenSource(ctx).Token()
	if err != nil {
		return err
	}
	if !token.Valid() {
		return errors.New("this is no token to use")
	}
	config.Audience = "https://elsewhere.example.com"
	var refused *oauth2.RetrieveError
	if _, err = config.TokenSource(ctx).Token(); !errors.As(err, &refused) {
		return fmt.Errorf("a token for somewhere else is taken: %v", err)
	}
	return nil
}

func worth(ctx context.Context, token string) (*oidc.IntrospectionResponse, error) {
	api := world.Clients["api"]
	server, err := rs.NewResourceServerClientCredentials(ctx, world.Issuer, api.ID, api.Secret)
	if err != nil {
		return nil, err
	}
	return rs.Introspect[*oidc.IntrospectionResponse](ctx, server, token)
}

func introspection(ctx context.Context) error {
	token, err := keyToken(ctx)
	if err != nil {
		return err
	}
	told, err := worth(ctx, token)
	if err != nil {
		return err
	}
	if !told.Active || told.Subject != "key:"+world.Key.ID || told.Issuer != world.Issuer {
		return fmt.Errorf("told of a good token: %+v", told)
	}
	told, err = worth(ctx, tampered(token))
	if err != nil || told.Active {
		return fmt.Errorf("told of a tampered token: %+v, %v", told, err)
	}
	return nil
}

func tokenExchange(ctx context.Context) error {
	token, err := keyToken(ctx)
	if err != nil {
		return err
	}
	own := world.Clients["basic"]
	exchanger, err := tokenexchange.NewTokenExchangerClientCredentials(
		ctx, world.Issuer, own.ID, own.Secret)
	if err != nil {
		return err
	}
	actor, err := actorToken(ctx, own)
	if err != nil {
		return err
	}
	exchanged, err := tokenexchange.ExchangeToken(ctx, exchanger, token, oidc.AccessTokenType,
		actor, oidc.AccessTokenType, []string{world.Resource}, nil, []string{"read"},
		oidc.AccessTokenType)
	if err != nil {
		return err
	}
	told, err := worth(ctx, exchanged.AccessToken)
	if err != nil || !told.Active || told.Subject != "key:"+world.Key.ID {
		return fmt.Errorf("told of an exchanged token: %+v, %v", told, err)
	}
	return nil
}

// A token of the client itself, which says who acts.
func actorToken(ctx context.Context, of credentials) (string, error) {
	config := configuration(of, oauth2.AuthStyleInHeader)
	token, err := config.Token(ctx)
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}
